// AVX-512 VL: rotations are single instructions (a word shuffle where that has less latency), and one permutation of the whole message gives the words of half a round.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns about its own _mm512_undefined_*.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "hash/blake2b.h"

namespace quarry {
namespace {

struct Rows {
  __m256i a, b, c, d;
};

/// Keeps the compiler from adding the late word first: row b ends the chain everything waits for.
inline __m256i before(__m256i sum) {
  asm("" : "+x"(sum));
  return sum;
}

inline __attribute__((always_inline)) void mix(Rows& v, __m512i xy) {
  const __m256i x = _mm512_castsi512_si256(xy);
  const __m256i y = _mm512_extracti64x4_epi64(xy, 1);
  v.a = _mm256_add_epi64(before(_mm256_add_epi64(v.a, x)), v.b);
  v.d = _mm256_shuffle_epi32(_mm256_xor_si256(v.d, v.a), 0xb1);
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = _mm256_ror_epi64(_mm256_xor_si256(v.b, v.c), 24);
  v.a = _mm256_add_epi64(before(_mm256_add_epi64(v.a, y)), v.b);
  v.d = _mm256_ror_epi64(_mm256_xor_si256(v.d, v.a), 16);
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = _mm256_ror_epi64(_mm256_xor_si256(v.b, v.c), 63);
}

inline void block(uint64_t h[8], const uint8_t* data, uint64_t counter, uint64_t last) {
  const __m512i low = _mm512_loadu_si512(data);
  const __m512i high = _mm512_loadu_si512(data + 64);
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
    mix(v, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(s[0], s[2], s[4], s[6], s[1], s[3], s[5], s[7]), high));
    // Lane j of b stays; the diagonal that holds b[j] starts at a[j - 1].
    v.a = _mm256_permute4x64_epi64(v.a, 0x93);
    v.d = _mm256_permute4x64_epi64(v.d, 0x4e);
    v.c = _mm256_permute4x64_epi64(v.c, 0x39);
    mix(v, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(s[14], s[8], s[10], s[12], s[15], s[9], s[11], s[13]),
                                     high));
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

const Blake2bKernels kAvx512Blake2b = {Isa::kAvx512, compress, finish};

}  // namespace quarry
