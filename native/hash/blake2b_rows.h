#pragma once
// BLAKE2b with a row of its state per ymm register; how two rows of words are mixed in is each level's own.
#include <immintrin.h>

#include "hash/blake2b.h"

namespace quarry {
namespace {

struct Rows {
  __m256i a, b, c, d;
};
using Mix = void (*)(Rows& v, __m256i x, __m256i y);

/// Four words of the message, by loads: they keep the shuffle units free.
inline __m256i words(const uint8_t* message, const uint8_t* s, int i0, int i1, int i2, int i3) {
  const auto pair = [&](int low, int high) {
    const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(message + 8 * s[low]));
    return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(word), reinterpret_cast<const double*>(message + 8 * s[high])));
  };
  return _mm256_inserti128_si256(_mm256_castsi128_si256(pair(i0, i1)), pair(i2, i3), 1);
}

struct State {
  __m256i h0, h1;
};

inline State load(const uint64_t h[8]) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(h)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(h + 4))};
}
inline void store(const State& state, uint64_t h[8]) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(h), state.h0);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(h + 4), state.h1);
}

/// The rounds of one block of message; `beside(half)` runs after each of their 24 halves.
template <Mix mix, typename Beside>
inline __attribute__((always_inline)) void block(State& state, const uint8_t* message, uint64_t counter, uint64_t last,
                                                 Beside beside) {
  const __m256i iv0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kBlake2bIv));
  const __m256i iv1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kBlake2bIv + 4));
  Rows v = {state.h0, state.h1, iv0,
            _mm256_xor_si256(
                iv1, _mm256_setr_epi64x(static_cast<long long>(counter), 0, static_cast<long long>(last), 0))};
#pragma GCC unroll 12
  for (int round = 0; round < 12; ++round) {
    const uint8_t* s = kBlake2bSigma[round];
    mix(v, words(message, s, 0, 2, 4, 6), words(message, s, 1, 3, 5, 7));
    // Lane j of b stays; the diagonal that holds b[j] starts at a[j - 1].
    v.a = _mm256_permute4x64_epi64(v.a, 0x93);
    v.d = _mm256_permute4x64_epi64(v.d, 0x4e);
    v.c = _mm256_permute4x64_epi64(v.c, 0x39);
    beside(2 * round);
    mix(v, words(message, s, 14, 8, 10, 12), words(message, s, 15, 9, 11, 13));
    v.a = _mm256_permute4x64_epi64(v.a, 0x39);
    v.d = _mm256_permute4x64_epi64(v.d, 0x4e);
    v.c = _mm256_permute4x64_epi64(v.c, 0x93);
    beside(2 * round + 1);
  }
  state.h0 = _mm256_xor_si256(state.h0, _mm256_xor_si256(v.a, v.c));
  state.h1 = _mm256_xor_si256(state.h1, _mm256_xor_si256(v.b, v.d));
}

template <Mix mix>
void compress(uint64_t h[8], const uint8_t* data, size_t blocks, uint64_t counter) {
  State state = load(h);
  for (size_t i = 0; i < blocks; ++i) {
    block<mix>(state, data + i * kBlake2bBlock, counter += kBlake2bBlock, 0, [](int) {});
  }
  store(state, h);
}

template <Mix mix>
void finish(uint64_t h[8], const uint8_t* data, uint64_t counter) {
  State state = load(h);
  block<mix>(state, data, counter, ~uint64_t{0}, [](int) {});
  store(state, h);
}

}  // namespace
}  // namespace quarry
