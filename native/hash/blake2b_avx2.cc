// AVX2: a row per ymm register; rotations by bytes are shuffles, the one by 63 bits an addition and a shift.
#include <immintrin.h>

#include "hash/aes_x86.h"
#include "hash/blake2b_rows.h"
#include "hash/hashing_cipher.h"

namespace quarry {
namespace {

inline __m256i rotate32(__m256i x) { return _mm256_shuffle_epi32(x, 0xb1); }
inline __m256i rotate24(__m256i x) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0,
                                                 1, 2, 11, 12, 13, 14, 15, 8, 9, 10));
}
inline __m256i rotate16(__m256i x) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7,
                                                 0, 1, 10, 11, 12, 13, 14, 15, 8, 9));
}
inline __m256i rotate63(__m256i x) { return _mm256_xor_si256(_mm256_srli_epi64(x, 63), _mm256_add_epi64(x, x)); }

/// Keeps the compiler from adding the late word first: row b ends the chain everything waits for.
inline __m256i before(__m256i sum) {
  asm("" : "+x"(sum));
  return sum;
}

inline __attribute__((always_inline)) void mix(Rows& v, __m256i x, __m256i y) {
  v.a = _mm256_add_epi64(before(_mm256_add_epi64(v.a, x)), v.b);
  v.d = rotate32(_mm256_xor_si256(v.d, v.a));
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = rotate24(_mm256_xor_si256(v.b, v.c));
  v.a = _mm256_add_epi64(before(_mm256_add_epi64(v.a, y)), v.b);
  v.d = rotate16(_mm256_xor_si256(v.d, v.a));
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = rotate63(_mm256_xor_si256(v.b, v.c));
}

/// The key stream of 128 bytes in 30 steps, four AES blocks at a time: more would not fit into the registers.
class KeyStream {
 public:
  KeyStream(const AesKeys& keys, uint64_t first) : keys_(keys), next_(first) {}
  inline __attribute__((always_inline)) void step(int i) {
    const int round = i % 15;
    for (int k = 0; k < 4; ++k) {
      if (round == 0) state_[k] = _mm_xor_si128(counter_block(next_ + static_cast<unsigned>(k)), load_key(keys_, 0));
      else if (round < 14) state_[k] = _mm_aesenc_si128(state_[k], load_key(keys_, round));
      else _mm_store_si128(out_ + i / 15 * 4 + k, _mm_aesenclast_si128(state_[k], load_key(keys_, 14)));
      // Stays where it is written, between the rounds of the hash.
      if (round < 14) asm("" : "+x"(state_[k]));
    }
    if (round == 14) next_ += 4;
  }
  /// `in` XOR the 32 bytes at `quarter`.
  __m256i apply(const uint8_t* in, int quarter) const {
    return _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in) + quarter),
                            _mm256_load_si256(reinterpret_cast<const __m256i*>(out_) + quarter));
  }

 private:
  const AesKeys& keys_;
  uint64_t next_;
  __m128i state_[4];
  alignas(32) __m128i out_[8];
};

template <bool kHashesOutput>
void compress_and_crypt(uint64_t h[8], const uint8_t* in, uint8_t* out, size_t blocks, uint64_t counter,
                        const AesKeys& keys) {
  const AesKeys own = keys;  // which the writes to `out` cannot change
  KeyStream stream(own, counter / kAesBlock);
#pragma GCC unroll 30
  for (int i = 0; i < 30; ++i) stream.step(i);
  State state = load(h);
  for (size_t i = 0; i < blocks; ++i, in += kBlake2bBlock, out += kBlake2bBlock) {
    __m256i result[4];
    for (int k = 0; k < 4; ++k) result[k] = stream.apply(in, k);
    const auto write = [&]() {
      for (int k = 0; k < 4; ++k) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + k, result[k]);
    };
    if (kHashesOutput) write();
    // 30 steps beside 24 half rounds: two beside every fourth.
    block<mix>(state, kHashesOutput ? out : in, counter += kBlake2bBlock, 0, [&](int half) {
      const int step = half + half / 4;
      stream.step(step);
      if (half % 4 == 3) stream.step(step + 1);
    });
    if (!kHashesOutput) write();
  }
  store(state, h);
}

}  // namespace

const Blake2bKernels kAvx2Blake2b = {Isa::kAvx2, compress<mix>, finish<mix>};
const HashingCipherKernels kAvx2HashingCipher = {&kAvx2Blake2b, expand_aes_key, aes_key_stream,
                                                 compress_and_crypt<false>, compress_and_crypt<true>};

}  // namespace quarry
