#pragma once
// What both AVX-512 levels share; included by one translation unit each, in its own namespace.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns about its own _mm512_undefined_*.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "distance/distance.h"
#include "distance/row_streams.h"

namespace quarry {
namespace QUARRY_DISTANCE_LEVEL {

constexpr size_t kLanes = 16;

inline __mmask16 tail_mask(size_t left) { return static_cast<__mmask16>((1u << left) - 1); }
inline __m512 widen(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline __m512 load(const float* p) { return _mm512_loadu_ps(p); }
inline __m512 load(const uint16_t* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline __m512 load(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline __m512 load(const uint16_t* p, __mmask16 mask) { return widen(_mm256_maskz_loadu_epi16(mask, p)); }

/// R rows, `apart` places from each other, times the target and themselves.
template <size_t R, typename T>
inline void stream(const T* const* rows, size_t apart, const float* target, size_t dim, float* dots, float* squares) {
  __m512 d[R], s[R];
  const T* row[R];
  for (size_t r = 0; r < R; ++r) {
    d[r] = s[r] = _mm512_setzero_ps();
    row[r] = rows[r * apart];
  }
  size_t k = 0;
  for (; k + 16 <= dim; k += 16) {
    const __m512 y = load(target + k);
    for (size_t r = 0; r < R; ++r) {
      const __m512 x = load(row[r] + k);
      d[r] = _mm512_fmadd_ps(x, y, d[r]);
      s[r] = _mm512_fmadd_ps(x, x, s[r]);
    }
  }
  if (k < dim) {
    const __mmask16 mask = tail_mask(dim - k);
    const __m512 y = load(target + k, mask);
    for (size_t r = 0; r < R; ++r) {
      const __m512 x = load(row[r] + k, mask);
      d[r] = _mm512_fmadd_ps(x, y, d[r]);
      s[r] = _mm512_fmadd_ps(x, x, s[r]);
    }
  }
  for (size_t r = 0; r < R; ++r) {
    dots[r * apart] = _mm512_reduce_add_ps(d[r]);
    squares[r * apart] = _mm512_reduce_add_ps(s[r]);
  }
}

template <typename T>
inline void dot_rows(const T* const* rows, size_t n, const float* target, size_t dim, float* dots, float* squares) {
  in_streams(
      rows, n, dim,
      [&](size_t i, size_t apart) { stream<kStreams>(rows + i, apart, target, dim, dots + i, squares + i); },
      [&](size_t i) { stream<1>(rows + i, 0, target, dim, dots + i, squares + i); });
}

template <size_t P>
inline void tile_f32(const float* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  constexpr size_t R = kDistanceTile;
  __m512 acc[R][P];
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_loadu_ps(c + r * ldc + p * kLanes);
  }
  const float* a[R];
  for (size_t r = 0; r < R; ++r) a[r] = rows[r];
  for (size_t k = 0; k < depth; ++k) {
    __m512 b[P];
    for (size_t p = 0; p < P; ++p) b[p] = load(reinterpret_cast<const float*>(panel + p * stride) + k * kLanes);
    for (size_t r = 0; r < R; ++r) {
      const __m512 x = _mm512_set1_ps(a[r][k]);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_fmadd_ps(x, b[p], acc[r][p]);
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) _mm512_storeu_ps(c + r * ldc + p * kLanes, acc[r][p]);
  }
}

inline void gemm_panel_f32(const float* const* rows, const void* panel, size_t stride, size_t panels, size_t depth,
                           float* c, size_t ldc) {
  const char* b = static_cast<const char*>(panel);
  if (panels == 3) tile_f32<3>(rows, b, stride, depth, c, ldc);
  else if (panels == 2) tile_f32<2>(rows, b, stride, depth, c, ldc);
  else tile_f32<1>(rows, b, stride, depth, c, ldc);
}

inline void expand(const uint16_t* row, size_t dim, float* out) {
  size_t k = 0;
  for (; k + 16 <= dim; k += 16) _mm512_storeu_ps(out + k, load(row + k));
  if (k < dim) _mm512_mask_storeu_ps(out + k, tail_mask(dim - k), load(row + k, tail_mask(dim - k)));
}

template <typename T>
inline void normalize(const T* row, size_t dim, double* out) {
  const size_t whole = dim & ~size_t{31};
  __m512d parts[4] = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};
  auto add_squares = [&](__m512 x, size_t j) {
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
    parts[j] = _mm512_fmadd_pd(low, low, parts[j]);
    parts[j + 1] = _mm512_fmadd_pd(high, high, parts[j + 1]);
  };
  for (size_t k = 0; k < whole; k += 32) {
    add_squares(load(row + k), 0);
    add_squares(load(row + k + 16), 2);
  }
  // Lanes beyond the end add zero to their sums.
  const size_t left = dim - whole;
  const size_t first = left < 16 ? left : 16;
  add_squares(load(row + whole, tail_mask(first)), 0);
  add_squares(load(row + whole + first, tail_mask(left - first)), 2);
  double sums[32];
  for (size_t j = 0; j < 4; ++j) _mm512_storeu_pd(sums + j * 8, parts[j]);
  const __m512 length = _mm512_set1_ps(length_of(fold32(sums)));
  size_t k = 0;
  for (; k + 16 <= dim; k += 16) {
    const __m512 q = _mm512_div_ps(load(row + k), length);
    _mm512_storeu_pd(out + k, _mm512_cvtps_pd(_mm512_castps512_ps256(q)));
    _mm512_storeu_pd(out + k + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(q, 1)));
  }
  if (k < dim) {
    const __mmask16 mask = tail_mask(dim - k);
    const __m512 q = _mm512_div_ps(load(row + k, mask), length);
    _mm512_mask_storeu_pd(out + k, static_cast<__mmask8>(mask), _mm512_cvtps_pd(_mm512_castps512_ps256(q)));
    _mm512_mask_storeu_pd(out + k + 8, static_cast<__mmask8>(mask >> 8), _mm512_cvtps_pd(_mm512_extractf32x8_ps(q, 1)));
  }
}

inline double exact_dot(const double* normalized, const float* unit, size_t dim) {
  const size_t whole = dim & ~size_t{31};
  __m512d parts[4] = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};
  for (size_t k = 0; k < whole; k += 32) {
    for (size_t j = 0; j < 4; ++j) {
      const __m512d y = _mm512_cvtps_pd(_mm256_loadu_ps(unit + k + j * 8));
      parts[j] = _mm512_fmadd_pd(_mm512_loadu_pd(normalized + k + j * 8), y, parts[j]);
    }
  }
  double sums[32];
  for (size_t j = 0; j < 4; ++j) _mm512_storeu_pd(sums + j * 8, parts[j]);
  for (size_t k = whole; k < dim; ++k) sums[k - whole] += normalized[k] * unit[k];
  return fold32(sums);
}

}  // namespace QUARRY_DISTANCE_LEVEL
}  // namespace quarry
