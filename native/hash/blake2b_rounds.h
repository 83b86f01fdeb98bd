#pragma once
// BLAKE2b's rounds over sixteen words in general registers.
#include "hash/blake2b.h"

namespace quarry {
namespace {

inline uint64_t rotate_right(uint64_t x, unsigned n) { return (x >> n) | (x << (64 - n)); }

inline __attribute__((always_inline)) void mix(uint64_t& a, uint64_t& b, uint64_t& c, uint64_t& d, uint64_t x,
                                               uint64_t y) {
  a = a + b + x;
  d = rotate_right(d ^ a, 32);
  c = c + d;
  b = rotate_right(b ^ c, 24);
  a = a + b + y;
  d = rotate_right(d ^ a, 16);
  c = c + d;
  b = rotate_right(b ^ c, 63);
}

/// The rounds of one block of message; `beside(round)` runs between the 12 of them.
template <typename Beside>
inline __attribute__((always_inline)) void blake2b_rounds(uint64_t h[8], const uint8_t* data, uint64_t counter,
                                                          uint64_t last, Beside beside) {
  uint64_t m[16];
  __builtin_memcpy(m, data, sizeof m);
  uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
  uint64_t v8 = kBlake2bIv[0], v9 = kBlake2bIv[1], v10 = kBlake2bIv[2], v11 = kBlake2bIv[3];
  uint64_t v12 = kBlake2bIv[4] ^ counter, v13 = kBlake2bIv[5], v14 = kBlake2bIv[6] ^ last, v15 = kBlake2bIv[7];
#pragma GCC unroll 12
  for (int round = 0; round < 12; ++round) {
    const uint8_t* s = kBlake2bSigma[round];
    mix(v0, v4, v8, v12, m[s[0]], m[s[1]]);
    mix(v1, v5, v9, v13, m[s[2]], m[s[3]]);
    mix(v2, v6, v10, v14, m[s[4]], m[s[5]]);
    mix(v3, v7, v11, v15, m[s[6]], m[s[7]]);
    mix(v0, v5, v10, v15, m[s[8]], m[s[9]]);
    mix(v1, v6, v11, v12, m[s[10]], m[s[11]]);
    mix(v2, v7, v8, v13, m[s[12]], m[s[13]]);
    mix(v3, v4, v9, v14, m[s[14]], m[s[15]]);
    beside(round);
  }
  h[0] ^= v0 ^ v8;
  h[1] ^= v1 ^ v9;
  h[2] ^= v2 ^ v10;
  h[3] ^= v3 ^ v11;
  h[4] ^= v4 ^ v12;
  h[5] ^= v5 ^ v13;
  h[6] ^= v6 ^ v14;
  h[7] ^= v7 ^ v15;
}

}  // namespace
}  // namespace quarry
