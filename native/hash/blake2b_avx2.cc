// AVX2: a row per ymm register; rotations by bytes are shuffles, the one by 63 bits an addition and a shift.
#include <immintrin.h>

#include "hash/aes_x86.h"
#include "hash/blake2b.h"
#include "hash/checked_cipher.h"

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

/// The rounds of one block of message; `beside(half)` runs between the 24 halves of them.
template <typename Beside>
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

void compress(uint64_t h[8], const uint8_t* data, size_t blocks, uint64_t counter) {
  State state = load(h);
  for (size_t i = 0; i < blocks; ++i) {
    block(state, data + i * kBlake2bBlock, counter += kBlake2bBlock, 0, [](int) {});
  }
  store(state, h);
}

void finish(uint64_t h[8], const uint8_t* data, uint64_t counter) {
  State state = load(h);
  block(state, data, counter, ~uint64_t{0}, [](int) {});
  store(state, h);
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
    block(state, kHashesOutput ? out : in, counter += kBlake2bBlock, 0, [&](int half) {
      const int step = half + half / 4;
      stream.step(step);
      if (half % 4 == 3) stream.step(step + 1);
    });
    if (!kHashesOutput) write();
  }
  store(state, h);
}

}  // namespace

const Blake2bKernels kAvx2Blake2b = {Isa::kAvx2, compress, finish};
const CheckedCipherKernels kAvx2CheckedCipher = {&kAvx2Blake2b, expand_aes_key, aes_key_stream,
                                                 compress_and_crypt<false>, compress_and_crypt<true>};

}  // namespace quarry
