// Vectors of QUARRY_LANES floats, in the compiler's own vector types: the same source becomes SSE, AVX2, AVX-512 or NEON.
// Included by kernel translation units only, inside an anonymous namespace's scope, so that nothing here is shared
// between levels.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifndef QUARRY_LANES
#error "a kernel file defines QUARRY_LANES before including vec.h"
#endif

namespace quarry {
namespace {

constexpr size_t W = QUARRY_LANES;
typedef float vf __attribute__((vector_size(W * 4)));
typedef int32_t vi __attribute__((vector_size(W * 4)));
typedef uint32_t vu __attribute__((vector_size(W * 4)));
typedef float vf_any __attribute__((vector_size(W * 4), aligned(4), may_alias));
typedef uint32_t vu_any __attribute__((vector_size(W * 4), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(W * 2)));
typedef uint16_t vh_any __attribute__((vector_size(W * 2), aligned(2), may_alias));

#define QUARRY_INLINE inline __attribute__((always_inline))

QUARRY_INLINE vf load(const float* p) { return *reinterpret_cast<const vf_any*>(p); }
QUARRY_INLINE void store(float* p, vf v) { *reinterpret_cast<vf_any*>(p) = v; }
QUARRY_INLINE vf splat(float x) { return x - vf{}; }
QUARRY_INLINE vf vmax(vf a, vf b) { return a > b ? a : b; }
QUARRY_INLINE vf vmin(vf a, vf b) { return a < b ? a : b; }
QUARRY_INLINE vf vabs(vf a) { return (vf)((vu)a & 0x7fffffffu); }
QUARRY_INLINE float sum(vf v) {
  float s = 0;
  for (size_t i = 0; i < W; ++i) s += v[i];
  return s;
}

// Nearest integer of |x| < 2^22, as a float.
QUARRY_INLINE vf nearest(vf x) {
  const float magic = 12582912.0f;  // 1.5 * 2^23
  vf shifted = x + magic;
  // Keeps the compiler from folding the pair away under contraction.
  asm("" : "+m"(shifted));
  return shifted - magic;
}

// e^x for x <= 0 (attention, log-sum-exp, erfc). x = n ln 2 + r, Taylor series of e^r to the seventh power on
// |r| <= 0.347 (remainder 5e-9), scaled by adding n to the exponent. 0 below -87; NaN stays NaN.
QUARRY_INLINE vf exp_nonpositive(vf x) {
  const vf lowest = splat(-87.0f);
  const vf clamped = x < lowest ? lowest : x;
  const vf n = nearest(clamped * 1.44269504088896341f);
  vf r = clamped - n * 0.693359375f;  // ln 2 in two parts, the first exact in nine bits
  r = r + n * 2.12194440e-4f;
  vf p = r * (1.0f / 5040) + (1.0f / 720);
  p = p * r + (1.0f / 120);
  p = p * r + (1.0f / 24);
  p = p * r + (1.0f / 6);
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const vi exponent = __builtin_convertvector(n, vi) + 127;
  const vf result = p * (vf)(exponent << 23);
  return x < lowest ? vf{} : result;
}

// bf16 bits of x in the low half of each lane: nearest, ties to even, NaN quiet.
QUARRY_INLINE vu bf16_bits(vf x) {
  const vu bits = (vu)x;
  const vu rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (vu)(x != x ? (vf)((bits >> 16) | 0x40u) : (vf)rounded);
}
inline uint16_t bf16_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if (x != x) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// erfc(-x / sqrt 2), twice the standard normal's distribution. With t = |x| / sqrt 2: erf(t) = t P(t^2) for t < 1, and erfc(t) = exp(G(u)), u = (t - 2.5)/1.5,
// for 1 <= t <= 4, 0 beyond. P and G are Chebyshev interpolants of degree 6 and 8 through erf(sqrt s)/sqrt s and
// ln erfc(t); their own error is 6e-8.
QUARRY_INLINE vf twice_normal_distribution(vf x) {
  const vf t = vabs(x) * 0.70710678118654752f;
  const vf s = t * t;
  vf p = s * 7.87587487e-05f - 0.00080168643f;
  p = p * s + 0.00518908724f;
  p = p * s - 0.0268542115f;
  p = p * s + 0.112835944f;
  p = p * s - 0.37612626f;
  p = p * s + 1.12837911f;
  const vf near = 1.0f - p * t;  // erfc for t < 1
  const vf inside = vmax(vmin(t, splat(4.0f)), splat(1.0f));
  const vf u = (inside - 2.5f) * (1.0f / 1.5f);
  vf g = u * 4.19583994e-05f - 0.000227499506f;
  g = g * u + 0.0008803971f;
  g = g * u - 0.00319030532f;
  g = g * u + 0.0109618492f;
  g = g * u - 0.0366475768f;
  g = g * u - 2.12376094f;
  g = g * u - 8.02902126f;
  g = g * u - 7.80681515f;
  vf far = exp_nonpositive(g);
  far = t > 4.0f ? vf{} : far;
  const vf complement = t < 1.0f ? near : far;
  return x < 0.0f ? complement : 2.0f - complement;
}

// x/2 erfc(-x / sqrt 2). NaN fails the comparisons above and comes back with x; minus infinity gives NaN, as it does in the
// definition.
QUARRY_INLINE vf gelu(vf x) { return 0.5f * x * twice_normal_distribution(x); }

// sin and cos of |x| <= 8192: quarter turns removed in three parts, Taylor series on |r| <= pi/4.
QUARRY_INLINE void sincos(vf x, vf* sine, vf* cosine) {
  const vf n = nearest(x * 0.636619772367581343f);
  vf r = x - n * 1.5703125f;           // pi/2 in three parts; the first two have few bits, so n times them is exact
  r = r - n * 4.837512969970703e-4f;
  r = r - n * 7.54978995489188e-8f;
  const vi q = __builtin_convertvector(n, vi);
  const vf s = r * r;
  vf a = s * 2.75573192e-6f - 1.98412698e-4f;
  a = a * s + 8.33333333e-3f;
  a = a * s - 1.66666667e-1f;
  a = a * s * r + r;
  vf b = s * -2.75573192e-7f + 2.48015873e-5f;
  b = b * s - 1.38888889e-3f;
  b = b * s + 4.16666667e-2f;
  b = b * s - 0.5f;
  b = b * s + 1.0f;
  const vi odd = (q & 1) != 0;
  const vf first = odd ? b : a;
  const vf second = odd ? a : b;
  *sine = (vf)((vi)first ^ ((q & 2) << 30));
  *cosine = (vf)((vi)second ^ (((q + 1) & 2) << 30));
}

}  // namespace
}  // namespace quarry
