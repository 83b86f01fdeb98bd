// AVX2: a row per ymm register; rotations by bytes are shuffles, the one by 63 bits an addition and a shift.
#include <immintrin.h>

#include "hash/blake2b.h"

namespace quarry {
namespace {

struct Rows {
  __m256i a, b, c, d;
};

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

inline __m256i words(const uint64_t* m, const uint8_t* s, int i0, int i1, int i2, int i3) {
  return _mm256_setr_epi64x(static_cast<long long>(m[s[i0]]), static_cast<long long>(m[s[i1]]),
                            static_cast<long long>(m[s[i2]]), static_cast<long long>(m[s[i3]]));
}

inline void block(uint64_t h[8], const uint8_t* data, uint64_t counter, uint64_t last) {
  uint64_t m[16];
  __builtin_memcpy(m, data, sizeof m);
  const __m256i h0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(h));
  const __m256i h1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(h + 4));
  const __m256i iv0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kBlake2bIv));
  const __m256i iv1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kBlake2bIv + 4));
  Rows v = {h0, h1, iv0,
            _mm256_xor_si256(
                iv1, _mm256_setr_epi64x(static_cast<long long>(counter), 0, static_cast<long long>(last), 0))};
#pragma GCC unroll 12
  for (int round = 0; round < 12; ++round) {
    const uint8_t* s = kBlake2bSigma[round];
    mix(v, words(m, s, 0, 2, 4, 6), words(m, s, 1, 3, 5, 7));
    // Lane j of b stays; the diagonal that holds b[j] starts at a[j - 1].
    v.a = _mm256_permute4x64_epi64(v.a, 0x93);
    v.d = _mm256_permute4x64_epi64(v.d, 0x4e);
    v.c = _mm256_permute4x64_epi64(v.c, 0x39);
    mix(v, words(m, s, 14, 8, 10, 12), words(m, s, 15, 9, 11, 13));
    v.a = _mm256_permute4x64_epi64(v.a, 0x39);
    v.d = _mm256_permute4x64_epi64(v.d, 0x4e);
    v.c = _mm256_permute4x64_epi64(v.c, 0x93);
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(h), _mm256_xor_si256(h0, _mm256_xor_si256(v.a, v.c)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(h + 4), _mm256_xor_si256(h1, _mm256_xor_si256(v.b, v.d)));
}

void compress(uint64_t h[8], const uint8_t* data, size_t blocks, uint64_t counter) {
  for (size_t i = 0; i < blocks; ++i) block(h, data + i * kBlake2bBlock, counter += kBlake2bBlock, 0);
}
void finish(uint64_t h[8], const uint8_t* data, uint64_t counter) { block(h, data, counter, ~uint64_t{0}); }

}  // namespace

const Blake2bKernels kAvx2Blake2b = {Isa::kAvx2, compress, finish};

}  // namespace quarry
