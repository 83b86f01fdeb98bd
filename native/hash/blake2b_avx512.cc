// AVX-512 VL. The chain of a round is shortened by rotating both sides of an XOR before it: the side that is ready early
// by the rotate instruction (two cycles here), the late one by two shifts at once, and a three-way XOR joins them. A late
// value then needs two cycles instead of three.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns about its own _mm512_undefined_*.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "hash/aes_x86.h"
#include "hash/blake2b_rows.h"
#include "hash/hashing_cipher.h"

#define QUARRY_INLINE inline __attribute__((always_inline))

namespace quarry {
namespace {

/// Keeps the compiler from regrouping: adding the late word first, or making one rotation of two shifts again.
QUARRY_INLINE __m256i pin(__m256i x) {
  asm("" : "+x"(x));
  return x;
}

QUARRY_INLINE __m256i xor3(__m256i x, __m256i y, __m256i z) { return _mm256_ternarylogic_epi64(x, y, z, 0x96); }

/// (early ^ late) rotated right by `n`.
template <int n>
QUARRY_INLINE __m256i xor_rotate(__m256i early, __m256i late) {
  const __m256i left = n == 63 ? _mm256_add_epi64(late, late) : _mm256_slli_epi64(late, 64 - n);
  return xor3(pin(_mm256_ror_epi64(early, n)), pin(_mm256_srli_epi64(late, n)), pin(left));
}

QUARRY_INLINE void mix(Rows& v, __m256i x, __m256i y) {
  v.a = _mm256_add_epi64(pin(_mm256_add_epi64(v.a, x)), v.b);
  v.d = _mm256_shuffle_epi32(_mm256_xor_si256(v.d, v.a), 0xb1);  // by 32, one cycle
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = xor_rotate<24>(v.b, v.c);
  v.a = _mm256_add_epi64(pin(_mm256_add_epi64(v.a, y)), v.b);
  v.d = xor_rotate<16>(v.d, v.a);
  v.c = _mm256_add_epi64(v.c, v.d);
  v.b = xor_rotate<63>(v.b, v.c);
}

/// The key stream of 128 bytes, a round at a time. In halves of a register: a whole one would hold an execution unit for
/// two cycles, which the hash would have to wait for.
class KeyStream {
 public:
  KeyStream(const AesKeys& keys, uint64_t first) {
    for (int i = 0; i < 15; ++i) {
      wide_[i] = _mm256_broadcastsi128_si256(load_key(keys, i));
      asm("" : "+m"(wide_[i]));  // an operand from memory costs nothing, a broadcast in the loop does
    }
    next_ = _mm256_setr_epi64x(0, static_cast<long long>(first), 0, static_cast<long long>(first + 1));
  }
  QUARRY_INLINE void begin() {
    const __m256i reversed = _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
                                              0, 15, 14, 13, 12, 11, 10, 9, 8);
    for (__m256i& state : state_) {
      state = _mm256_xor_si256(_mm256_shuffle_epi8(next_, reversed), wide_[0]);
      next_ = _mm256_add_epi64(next_, _mm256_setr_epi64x(0, 2, 0, 2));
    }
  }
  QUARRY_INLINE void round(int i, int from, int to) {
    for (int k = from; k < to; ++k) {
      state_[k] = _mm256_aesenc_epi128(state_[k], wide_[i]);
      asm("" : "+x"(state_[k]));  // stays where it is written, between the rounds of the hash
    }
  }
  QUARRY_INLINE __m256i finish(int quarter) const { return _mm256_aesenclast_epi128(state_[quarter], wide_[14]); }

 private:
  __m256i wide_[15];
  __m256i next_;  // AES block numbers, in the upper word of each block
  __m256i state_[4];
};

template <bool kHashesOutput>
void compress_and_crypt(uint64_t h[8], const uint8_t* in, uint8_t* out, size_t blocks, uint64_t counter,
                        const AesKeys& keys) {
  KeyStream stream(keys, counter / kAesBlock);
  stream.begin();
  for (int i = 1; i < 14; ++i) stream.round(i, 0, 4);
  State state = load(h);
  for (size_t i = 0; i < blocks; ++i, in += kBlake2bBlock, out += kBlake2bBlock) {
    __m256i result[4];
    for (int k = 0; k < 4; ++k) {
      result[k] = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in) + k), stream.finish(k));
    }
    const auto write = [&]() {
      for (int k = 0; k < 4; ++k) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + k, result[k]);
    };
    if (kHashesOutput) write();
    stream.begin();
    block<mix>(state, kHashesOutput ? out : in, counter += kBlake2bBlock, 0, [&](int half) {
      // Thirteen rounds beside twelve, half of each beside half of one: two beside the last.
      const int round = half / 2;
      const int from = half % 2 * 2;
      stream.round(round + 1, from, from + 2);
      if (round == 11) stream.round(13, from, from + 2);
    });
    if (!kHashesOutput) write();
  }
  store(state, h);
}

}  // namespace

const Blake2bKernels kAvx512Blake2b = {Isa::kAvx512, compress<mix>, finish<mix>};
const HashingCipherKernels kAvx512HashingCipher = {&kAvx512Blake2b, expand_aes_key, aes_key_stream,
                                                   compress_and_crypt<false>, compress_and_crypt<true>};

}  // namespace quarry
