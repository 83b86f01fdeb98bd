// ARMv8-A Advanced SIMD: f32 products; bf16 rows are widened by a shift. Thirty-two q registers: tiles of 4 rows by 3
// panels of 8, twice.
#include <arm_neon.h>

#include "distance/distance_impl.h"
#include "distance/row_streams.h"

namespace quarry {
namespace {

inline float32x4_t load(const float* p) { return vld1q_f32(p); }
inline float32x4_t load(const uint16_t* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

/// R rows, `apart` places from each other, times the target and themselves: two partial sums of four each.
template <size_t R, typename T>
void stream(const T* const* rows, size_t apart, const float* target, size_t dim, float* dots, float* squares) {
  float32x4_t d[R][2], s[R][2];
  const T* row[R];
  for (size_t r = 0; r < R; ++r) {
    d[r][0] = d[r][1] = s[r][0] = s[r][1] = vdupq_n_f32(0);
    row[r] = rows[r * apart];
  }
  auto step = [&](size_t k, size_t j) {
    const float32x4_t y = load(target + k);
    for (size_t r = 0; r < R; ++r) {
      const float32x4_t x = load(row[r] + k);
      d[r][j] = vfmaq_f32(d[r][j], x, y);
      s[r][j] = vfmaq_f32(s[r][j], x, x);
    }
  };
  size_t k = 0;
  for (; k + 8 <= dim; k += 8) {
    step(k, 0);
    step(k + 4, 1);
  }
  for (size_t r = 0; r < R; ++r) {
    float dot = vaddvq_f32(vaddq_f32(d[r][0], d[r][1]));
    float square = vaddvq_f32(vaddq_f32(s[r][0], s[r][1]));
    for (size_t j = k; j < dim; ++j) {
      const float x = value(row[r][j]);
      dot += x * target[j];
      square += x * x;
    }
    dots[r * apart] = dot;
    squares[r * apart] = square;
  }
}

template <typename T>
void dot_rows(const T* const* rows, size_t n, const float* target, size_t dim, float* dots, float* squares) {
  in_streams(
      rows, n, dim,
      [&](size_t i, size_t apart) { stream<kStreams>(rows + i, apart, target, dim, dots + i, squares + i); },
      [&](size_t i) { stream<1>(rows + i, 0, target, dim, dots + i, squares + i); });
}

template <size_t P>
void tile(const float* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  constexpr size_t R = 4;
  float32x4_t acc[R][P * 2];
  for (size_t r = 0; r < R; ++r) {
    for (size_t v = 0; v < P * 2; ++v) acc[r][v] = vld1q_f32(c + r * ldc + v * 4);
  }
  for (size_t k = 0; k < depth; ++k) {
    float32x4_t b[P * 2];
    for (size_t p = 0; p < P; ++p) {
      const float* column = reinterpret_cast<const float*>(panel + p * stride) + k * kLanes;
      b[p * 2] = vld1q_f32(column);
      b[p * 2 + 1] = vld1q_f32(column + 4);
    }
    for (size_t r = 0; r < R; ++r) {
      const float32x4_t a = vld1q_dup_f32(rows[r] + k);
      for (size_t v = 0; v < P * 2; ++v) acc[r][v] = vfmaq_f32(acc[r][v], a, b[v]);
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t v = 0; v < P * 2; ++v) vst1q_f32(c + r * ldc + v * 4, acc[r][v]);
  }
}

void expand(const uint16_t* row, size_t dim, float* out) {
  size_t k = 0;
  for (; k + 4 <= dim; k += 4) vst1q_f32(out + k, load(row + k));
  for (; k < dim; ++k) out[k] = bf16_to_float(row[k]);
}

/// Vector j holds the partial sums 2 j and 2 j + 1 of the thirty-two.
template <typename T>
void normalize(const T* row, size_t dim, double* out) {
  const size_t whole = dim & ~size_t{31};
  float64x2_t parts[16];
  for (float64x2_t& part : parts) part = vdupq_n_f64(0);
  for (size_t k = 0; k < whole; k += 32) {
    for (size_t j = 0; j < 8; ++j) {
      const float32x4_t x = load(row + k + j * 4);
      const float64x2_t low = vcvt_f64_f32(vget_low_f32(x));
      const float64x2_t high = vcvt_high_f64_f32(x);
      parts[j * 2] = vfmaq_f64(parts[j * 2], low, low);
      parts[j * 2 + 1] = vfmaq_f64(parts[j * 2 + 1], high, high);
    }
  }
  double sums[32];
  for (size_t j = 0; j < 16; ++j) vst1q_f64(sums + j * 2, parts[j]);
  for (size_t k = whole; k < dim; ++k) {
    const double x = value(row[k]);
    sums[k - whole] += x * x;
  }
  const float length = length_of(fold32(sums));
  const float32x4_t lengths = vdupq_n_f32(length);
  size_t k = 0;
  for (; k + 4 <= dim; k += 4) {
    const float32x4_t q = vdivq_f32(load(row + k), lengths);
    vst1q_f64(out + k, vcvt_f64_f32(vget_low_f32(q)));
    vst1q_f64(out + k + 2, vcvt_high_f64_f32(q));
  }
  for (; k < dim; ++k) out[k] = value(row[k]) / length;
}

double exact_dot(const double* normalized, const float* unit, size_t dim) {
  const size_t whole = dim & ~size_t{31};
  float64x2_t parts[16];
  for (float64x2_t& part : parts) part = vdupq_n_f64(0);
  for (size_t k = 0; k < whole; k += 32) {
    for (size_t j = 0; j < 8; ++j) {
      const float32x4_t y = vld1q_f32(unit + k + j * 4);
      const double* q = normalized + k + j * 4;
      parts[j * 2] = vfmaq_f64(parts[j * 2], vld1q_f64(q), vcvt_f64_f32(vget_low_f32(y)));
      parts[j * 2 + 1] = vfmaq_f64(parts[j * 2 + 1], vld1q_f64(q + 2), vcvt_high_f64_f32(y));
    }
  }
  double sums[32];
  for (size_t j = 0; j < 16; ++j) vst1q_f64(sums + j * 2, parts[j]);
  for (size_t k = whole; k < dim; ++k) sums[k - whole] += normalized[k] * unit[k];
  return fold32(sums);
}

}  // namespace

const DistanceKernels kNeonDistance = level_table(Isa::kNeon);

}  // namespace quarry
