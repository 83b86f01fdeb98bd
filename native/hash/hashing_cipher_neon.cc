// ARM with AES instructions: the hash in general registers, the cipher in vectors beside it.
#include <arm_neon.h>

#include "hash/blake2b_rounds.h"
#include "hash/hashing_cipher.h"

namespace quarry {
namespace {

inline uint8x16_t load_key(const AesKeys& keys, int i) { return vld1q_u8(keys.round[i]); }

/// The S-box on each byte of a word. The instruction shifts rows as well, which equal columns do not show.
inline uint32_t substitute(uint32_t word) {
  const uint8x16_t columns = vreinterpretq_u8_u32(vdupq_n_u32(word));
  return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(columns, vdupq_n_u8(0))), 0);
}

/// The key schedule of FIPS 197, figure 11, for eight words; a word's first byte is its lowest.
void expand(const uint8_t* key, AesKeys* keys) {
  uint32_t words[60];
  __builtin_memcpy(words, key, 32);
  uint32_t constant = 1;
  for (int i = 8; i < 60; ++i) {
    uint32_t word = words[i - 1];
    if (i % 8 == 0) {
      word = substitute((word >> 8) | (word << 24)) ^ constant;
      constant <<= 1;
    } else if (i % 8 == 4) {
      word = substitute(word);
    }
    words[i] = words[i - 8] ^ word;
  }
  __builtin_memcpy(keys->round, words, sizeof words);
}

/// The counter block of AES block `i`: 128 bits, big-endian.
inline uint8x16_t counter_block(uint64_t i) { return vcombine_u8(vcreate_u8(0), vcreate_u8(__builtin_bswap64(i))); }

/// The key stream of 128 bytes in 14 steps, eight AES blocks at a time.
class KeyStream {
 public:
  KeyStream(const AesKeys& keys, uint64_t first) : keys_(keys), next_(first) {}
  inline __attribute__((always_inline)) void step(int round) {
    const uint8x16_t key = load_key(keys_, round);
    for (int k = 0; k < 8; ++k) {
      if (round == 0) state_[k] = counter_block(next_ + static_cast<unsigned>(k));
      state_[k] = vaeseq_u8(state_[k], key);
      if (round < 13) state_[k] = vaesmcq_u8(state_[k]);
      else state_[k] = veorq_u8(state_[k], load_key(keys_, 14));
      // Stays where it is written, between the rounds of the hash.
      asm("" : "+w"(state_[k]));
    }
    if (round == 13) next_ += 8;
  }
  inline __attribute__((always_inline)) void all() {
#pragma GCC unroll 14
    for (int round = 0; round < 14; ++round) step(round);
  }
  /// The 16 bytes at `k`, once the last step was made.
  uint8x16_t at(int k) const { return state_[k]; }

 private:
  const AesKeys& keys_;
  uint64_t next_;
  uint8x16_t state_[8];
};

void key_stream(const AesKeys& keys, uint64_t first, uint8_t* out) {
  KeyStream stream(keys, first);
  stream.all();
  for (int k = 0; k < 8; ++k) vst1q_u8(out + k * kAesBlock, stream.at(k));
}

template <bool kHashesOutput>
void compress_and_crypt(uint64_t h[8], const uint8_t* in, uint8_t* out, size_t blocks, uint64_t counter,
                        const AesKeys& keys) {
  const AesKeys own = keys;  // which the writes to `out` cannot change
  KeyStream stream(own, counter / kAesBlock);
  stream.all();
  for (size_t i = 0; i < blocks; ++i, in += kBlake2bBlock, out += kBlake2bBlock) {
    uint8x16_t result[8];
    for (int k = 0; k < 8; ++k) result[k] = veorq_u8(vld1q_u8(in + k * kAesBlock), stream.at(k));
    const auto write = [&]() {
      for (int k = 0; k < 8; ++k) vst1q_u8(out + k * kAesBlock, result[k]);
    };
    if (kHashesOutput) write();
    // 14 steps beside 12 rounds: two beside every sixth.
    blake2b_rounds(h, kHashesOutput ? out : in, counter += kBlake2bBlock, 0, [&](int round) {
      const int step = round + round / 6;
      stream.step(step);
      if (round % 6 == 5) stream.step(step + 1);
    });
    if (!kHashesOutput) write();
  }
}

}  // namespace

const HashingCipherKernels kNeonHashingCipher = {&kSerialBlake2b, expand, key_stream, compress_and_crypt<false>,
                                                 compress_and_crypt<true>};

}  // namespace quarry
