#pragma once
// BLAKE2b (RFC 7693), unkeyed, 32-byte digest.
//
// The compression function of one block is a chain of 12 rounds, so one stream cannot be spread over lanes or cores.
// Each round works on the columns and then the diagonals of a 4 x 4 matrix of 64-bit words, a row per register. Between
// them rows a, c and d turn instead of b, c and d: b is the last row to be ready, the others turn while it is computed.
#include <cstddef>
#include <cstdint>

#include "core/cpu.h"

namespace quarry {

constexpr size_t kBlake2bBlock = 128;

/// Compresses `blocks` whole blocks that are not the last; `counter` is the number of bytes before them.
using Blake2bCompress = void (*)(uint64_t h[8], const uint8_t* data, size_t blocks, uint64_t counter);
/// Compresses the last block, zero-padded to 128 bytes; `counter` is the number of bytes in all.
using Blake2bFinish = void (*)(uint64_t h[8], const uint8_t* block, uint64_t counter);

struct Blake2bKernels {
  Isa isa;
  Blake2bCompress compress;
  Blake2bFinish finish;
};

extern const Blake2bKernels kSerialBlake2b;
extern const Blake2bKernels kAvx2Blake2b;
extern const Blake2bKernels kAvx512Blake2b;

/// The table of a usable level; serial for any other.
const Blake2bKernels& blake2b_kernels_for(Isa isa);

/// A streaming hasher. Zero bytes are a valid message.
class Blake2b256 {
 public:
  explicit Blake2b256(const Blake2bKernels& kernels);
  void update(const uint8_t* data, size_t size);
  /// The hasher must not be used afterwards.
  void digest(uint8_t out[32]);

 private:
  const Blake2bKernels& kernels_;
  uint64_t h_[8];
  uint64_t counter_ = 0;
  /// Held back until more follows, because the last block is compressed in its own way.
  uint8_t pending_[kBlake2bBlock];
  size_t pending_size_ = 0;
};

/// Initial values: SHA-512's, the first 64 bits of the fractional parts of the square roots of the first eight primes.
inline constexpr uint64_t kBlake2bIv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                           0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                           0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/// XORed into the first word: digest length 32, no key, fanout 1, depth 1.
inline constexpr uint64_t kBlake2b256Parameters = 0x01010020;

/// Order in which a round takes the message words; rounds 10 and 11 repeat 0 and 1.
inline constexpr uint8_t kBlake2bSigma[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

}  // namespace quarry
