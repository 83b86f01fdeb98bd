// AVX2 + FMA + F16C. Sixteen ymm registers: tiles of 4 rows by 3 panels, twice.
#include <immintrin.h>

#include "distance/distance_impl.h"

namespace quarry {
namespace {

inline __m256 load(const float* p) { return _mm256_loadu_ps(p); }
inline __m256 load(const uint16_t* p) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

inline float sum(__m256 v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  x = _mm_add_ss(x, _mm_movehdup_ps(x));
  return _mm_cvtss_f32(x);
}

template <typename T>
void dot_rows(const T* const* rows, size_t n, const float* target, size_t dim, float* dots, float* squares) {
  for (size_t i = 0; i < n; ++i) {
    const T* row = rows[i];
    // The hardware prefetcher stops at the page's end; the next rows are named to it.
    if (i + 2 < n) {
      for (size_t line = 0; line < 4; ++line) _mm_prefetch(reinterpret_cast<const char*>(rows[i + 2]) + line * 64, _MM_HINT_T0);
    }
    __m256 d[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    __m256 s[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t k = 0;
    for (; k + 32 <= dim; k += 32) {
      for (size_t j = 0; j < 4; ++j) {
        const __m256 x = load(row + k + j * 8);
        d[j] = _mm256_fmadd_ps(x, load(target + k + j * 8), d[j]);
        s[j] = _mm256_fmadd_ps(x, x, s[j]);
      }
    }
    for (; k + 8 <= dim; k += 8) {
      const __m256 x = load(row + k);
      d[0] = _mm256_fmadd_ps(x, load(target + k), d[0]);
      s[0] = _mm256_fmadd_ps(x, x, s[0]);
    }
    float dot = sum(_mm256_add_ps(_mm256_add_ps(d[0], d[1]), _mm256_add_ps(d[2], d[3])));
    float square = sum(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
    for (; k < dim; ++k) {
      const float x = value(row[k]);
      dot += x * target[k];
      square += x * x;
    }
    dots[i] = dot;
    squares[i] = square;
  }
}

template <size_t P>
void tile(const float* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  constexpr size_t R = 4;
  __m256 acc[R][P];
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) acc[r][p] = _mm256_loadu_ps(c + r * ldc + p * kLanes);
  }
  for (size_t k = 0; k < depth; ++k) {
    __m256 b[P];
    for (size_t p = 0; p < P; ++p) b[p] = load(reinterpret_cast<const float*>(panel + p * stride) + k * kLanes);
    for (size_t r = 0; r < R; ++r) {
      const __m256 a = _mm256_broadcast_ss(rows[r] + k);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm256_fmadd_ps(a, b[p], acc[r][p]);
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) _mm256_storeu_ps(c + r * ldc + p * kLanes, acc[r][p]);
  }
}

void expand(const uint16_t* row, size_t dim, float* out) {
  size_t k = 0;
  for (; k + 8 <= dim; k += 8) _mm256_storeu_ps(out + k, load(row + k));
  for (; k < dim; ++k) out[k] = bf16_to_float(row[k]);
}

/// Adds x[k] * x[k] for eight elements to two of the eight groups of partial sums.
inline void add_squares(__m256 x, __m256d* sums) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
  sums[0] = _mm256_fmadd_pd(low, low, sums[0]);
  sums[1] = _mm256_fmadd_pd(high, high, sums[1]);
}

template <typename T>
void normalize(const T* row, size_t dim, double* out) {
  const size_t whole = dim & ~size_t{31};
  __m256d parts[8];
  for (__m256d& part : parts) part = _mm256_setzero_pd();
  for (size_t k = 0; k < whole; k += 32) {
    for (size_t j = 0; j < 4; ++j) add_squares(load(row + k + j * 8), parts + j * 2);
  }
  double sums[32];
  for (size_t j = 0; j < 8; ++j) _mm256_storeu_pd(sums + j * 4, parts[j]);
  for (size_t k = whole; k < dim; ++k) {
    const double x = value(row[k]);
    sums[k - whole] += x * x;
  }
  const float length = length_of(fold32(sums));
  const __m256 lengths = _mm256_set1_ps(length);
  size_t k = 0;
  for (; k + 8 <= dim; k += 8) {
    const __m256 q = _mm256_div_ps(load(row + k), lengths);
    _mm256_storeu_pd(out + k, _mm256_cvtps_pd(_mm256_castps256_ps128(q)));
    _mm256_storeu_pd(out + k + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(q, 1)));
  }
  for (; k < dim; ++k) out[k] = value(row[k]) / length;
}

double exact_dot(const double* normalized, const float* unit, size_t dim) {
  const size_t whole = dim & ~size_t{31};
  __m256d parts[8];
  for (__m256d& part : parts) part = _mm256_setzero_pd();
  for (size_t k = 0; k < whole; k += 32) {
    for (size_t j = 0; j < 8; ++j) {
      const __m256d y = _mm256_cvtps_pd(_mm_loadu_ps(unit + k + j * 4));
      parts[j] = _mm256_fmadd_pd(_mm256_loadu_pd(normalized + k + j * 4), y, parts[j]);
    }
  }
  double sums[32];
  for (size_t j = 0; j < 8; ++j) _mm256_storeu_pd(sums + j * 4, parts[j]);
  for (size_t k = whole; k < dim; ++k) sums[k - whole] += normalized[k] * unit[k];
  return fold32(sums);
}

}  // namespace

const DistanceKernels kAvx2Distance = level_table(Isa::kAvx2);

}  // namespace quarry
