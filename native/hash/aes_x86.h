#pragma once
// AES-256 by the processor's instructions; include only where -maes is given.
#include <immintrin.h>

#include "hash/hashing_cipher.h"

namespace quarry {
namespace {

inline __m128i load_key(const AesKeys& keys, int i) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(keys.round[i]));
}

/// The key schedule of FIPS 197, figure 11, for eight words.
inline void expand_aes_key(const uint8_t* key, AesKeys* keys) {
  __m128i even = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  __m128i odd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + 16));
  const auto store = [keys](int i, __m128i value) {
    _mm_store_si128(reinterpret_cast<__m128i*>(keys->round[i]), value);
  };
  // Word k becomes the XOR of words 0 to k and of the word the other half gives.
  const auto next = [](__m128i half, __m128i word) {
    half = _mm_xor_si128(half, _mm_slli_si128(half, 4));
    half = _mm_xor_si128(half, _mm_slli_si128(half, 8));
    return _mm_xor_si128(half, word);
  };
  store(0, even);
  store(1, odd);
  const auto pair = [&](int i, __m128i rotated) {
    even = next(even, _mm_shuffle_epi32(rotated, 0xff));
    store(i, even);
    if (i == 14) return;
    odd = next(odd, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(even, 0), 0xaa));
    store(i + 1, odd);
  };
  // The round constant is an immediate operand.
  pair(2, _mm_aeskeygenassist_si128(odd, 0x01));
  pair(4, _mm_aeskeygenassist_si128(odd, 0x02));
  pair(6, _mm_aeskeygenassist_si128(odd, 0x04));
  pair(8, _mm_aeskeygenassist_si128(odd, 0x08));
  pair(10, _mm_aeskeygenassist_si128(odd, 0x10));
  pair(12, _mm_aeskeygenassist_si128(odd, 0x20));
  pair(14, _mm_aeskeygenassist_si128(odd, 0x40));
}

/// The counter block of AES block `i`: 128 bits, big-endian.
inline __m128i counter_block(uint64_t i) {
  return _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(i)), 0);
}

inline void aes_key_stream(const AesKeys& keys, uint64_t first, uint8_t* out) {
  __m128i state[8];
  for (int k = 0; k < 8; ++k) state[k] = _mm_xor_si128(counter_block(first + k), load_key(keys, 0));
  for (int round = 1; round < 14; ++round) {
    for (int k = 0; k < 8; ++k) state[k] = _mm_aesenc_si128(state[k], load_key(keys, round));
  }
  for (int k = 0; k < 8; ++k) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + k, _mm_aesenclast_si128(state[k], load_key(keys, 14)));
  }
}

}  // namespace
}  // namespace quarry
