#pragma once
// BLAKE2b-256 of a ciphertext and AES-256-CTR between it and the plaintext, in one pass over the bytes.
//
// Counter mode is what the network encrypts weights with: key stream block i is AES-256(key, i as a 128-bit big-endian
// number), from i = 0 at the first byte of the file. Encrypting and decrypting are the same XOR; the digest covers the
// ciphertext either way.
//
// Cost: the rounds of BLAKE2b wait for one another (blake2b.h), so processor time is left over between them. The key
// stream of the following 128 bytes is computed in it, a round of AES beside a round of BLAKE2b.
//
// AES exists here only as processor instructions, which take the same time for every key and text. There is no table or
// portable version: where a level lacks the instructions, `hashing_cipher_kernels_for` has no answer and callers use
// another library.
#include <cstddef>
#include <cstdint>

#include "hash/blake2b.h"

namespace quarry {

constexpr size_t kAesBlock = 16;

/// The 15 round keys of AES-256 (FIPS 197), in order.
struct AesKeys {
  alignas(16) uint8_t round[15][kAesBlock];
};

/// Expands a key of 32 bytes.
using AesExpand = void (*)(const uint8_t* key, AesKeys* keys);
/// Writes the key stream of one 128-byte block of the file, which begins at AES block `first`.
using AesKeyStream = void (*)(const AesKeys& keys, uint64_t first, uint8_t* out);
/// Compresses `blocks` whole 128-byte blocks of ciphertext that are not the last (see Blake2bCompress) and writes
/// `in` XOR key stream to `out`. `counter` is the number of bytes before them, a multiple of 128. `in` and `out` are the
/// same address or do not overlap.
using CipherCompress = void (*)(uint64_t h[8], const uint8_t* in, uint8_t* out, size_t blocks, uint64_t counter,
                                const AesKeys& keys);

struct HashingCipherKernels {
  const Blake2bKernels* hash;
  AesExpand expand;
  AesKeyStream key_stream;
  CipherCompress decrypt;  ///< `in` is the ciphertext
  CipherCompress encrypt;  ///< `out` is the ciphertext
};

extern const HashingCipherKernels kAvx2HashingCipher;    // needs AES
extern const HashingCipherKernels kAvx512HashingCipher;  // needs AES and VAES
extern const HashingCipherKernels kNeonHashingCipher;    // needs AES

/// The table of a usable level whose processor has AES instructions; null for any other.
const HashingCipherKernels* hashing_cipher_kernels_for(Isa isa);

/// Both streams at once, over consecutive pieces of any length. Pieces may be decrypted and encrypted in turn: to go on
/// with an interrupted file, encrypt what is there (discarding the result) and decrypt the rest.
class HashingCipher {
 public:
  /// `key` has 32 bytes.
  HashingCipher(const HashingCipherKernels& kernels, const uint8_t* key);
  /// `out` has `size` bytes: the same address as `in`, or no overlap with it.
  void decrypt(const uint8_t* in, uint8_t* out, size_t size) { update(in, out, size, true); }
  void encrypt(const uint8_t* in, uint8_t* out, size_t size) { update(in, out, size, false); }
  /// BLAKE2b-256 of all ciphertext. The object must not be used afterwards.
  void digest(uint8_t out[32]);

 private:
  void update(const uint8_t* in, uint8_t* out, size_t size, bool decrypting);
  // Up to the end of the 128-byte block that `counter_` begins.
  void partial(const uint8_t* in, uint8_t* out, size_t size, bool decrypting);

  const HashingCipherKernels& kernels_;
  AesKeys keys_;
  uint64_t h_[8];
  uint64_t counter_ = 0;  // bytes compressed
  // Ciphertext of the block that begins at `counter_`, kept until more follows, and its key stream.
  uint8_t pending_[kBlake2bBlock];
  size_t pending_size_ = 0;
  uint8_t stream_[kBlake2bBlock];
  bool stream_ready_ = false;
};

}  // namespace quarry
