#pragma once
// Cosine distance of rows to targets: 1 - (row . target) / (|row| |target|).
//
// Two passes. The fast pass computes an estimate for every pair; the exact pass decides, for pairs whose estimate is
// not clearly beyond the threshold.
//
//   pass        rows        targets     accumulator                        error of the distance, at most
//   dot_rows    f32, bf16   f32         f32, at least 8 partial sums       dim * 2^-24 + 2^-22
//   dot_rows    bf16        2 x bf16    f32, hardware pairs                dim * 2^-24 + 2^-22 + 2^-15 (target split)
//   gemm_panel  f32         f32         f32, one sum per 256 elements      dim * 2^-24 + 2^-22
//   gemm_panel  bf16        f32         as above (rows expanded)           dim * 2^-24 + 2^-22
//   gemm_panel  bf16        bf16        f32, hardware pairs                dim * 2^-24 + 2^-22 + 2^-7.99 (rounded)
//   exact_dot   f32, bf16   f32         f64, 32 partial sums               none: it defines the result
//
// Against f32 rows, bf16 rows add 2^-7.99: rounding to nearest moves each element by at most 2^-8 of itself, hence the
// direction by at most asin(2^-8). Sums stay below |row| |target| by Cauchy-Schwarz, which bounds what f32 sums lose.
// The exact pass is the protocol's formula (`models/src/cosine_distance.rs`): both vectors are divided by their f32
// length first, each quotient rounded to f32. It gives the same result at every level: products of two f32 are exact in
// f64 and the order is fixed: partial sum j takes elements j, j + 32, ...; then 16 are added to 16, 8 to 8, and so on.
#include <cstddef>
#include <cstdint>

#include "core/cpu.h"

namespace quarry {

/// Elements of a row a gemm_panel kernel takes before it adds to its output.
constexpr size_t kDistanceDepth = 256;
/// Rows a gemm_panel kernel takes at once; the driver pads the last block by repeating a row.
constexpr size_t kDistanceTile = 8;

struct DistanceKernels {
  Isa isa;
  /// Targets side by side in a panel.
  size_t lanes;
  /// Panels are pairs of bf16 for bf16 rows; otherwise f32, and bf16 rows are expanded first.
  bool bf16_panels;
  /// dot_rows_bf16 takes the target as two bf16 vectors whose sum it is, each padded with zeros to a multiple of 32.
  bool split_target;
  /// dots[i] = rows[i] . target, squares[i] = rows[i] . rows[i]
  void (*dot_rows_f32)(const float* const* rows, size_t n, const float* target, size_t dim, float* dots,
                       float* squares);
  void (*dot_rows_bf16)(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots,
                        float* squares);
  /// c[r * ldc + p * lanes + t] += rows[r][k] * panel p [k][t] over k < depth, for kDistanceTile rows and 1 to 3
  /// panels that lie `panel_stride` bytes apart. Panel: [depth][lanes] f32.
  void (*gemm_panel_f32)(const float* const* rows, const void* panel, size_t panel_stride, size_t panels, size_t depth,
                         float* c, size_t ldc);
  /// The same on bf16: panel [ceil(depth / 2)][lanes][2], zero-padded; null where bf16_panels is false.
  void (*gemm_panel_bf16)(const uint16_t* const* rows, const void* panel, size_t panel_stride, size_t panels,
                          size_t depth, float* c, size_t ldc);
  void (*expand)(const uint16_t* row, size_t dim, float* out);
  /// out[k] = fround(row[k] / length), where length is the row's, in f32.
  void (*normalize_f32)(const float* row, size_t dim, double* out);
  void (*normalize_bf16)(const uint16_t* row, size_t dim, double* out);
  /// sum of normalized[k] * unit[k]
  double (*exact_dot)(const double* normalized, const float* unit, size_t dim);
};

extern const DistanceKernels kSerialDistance;
extern const DistanceKernels kNeonDistance;
extern const DistanceKernels kAvx2Distance;
extern const DistanceKernels kAvx512Distance;
extern const DistanceKernels kAvx512Bf16Distance;

/// The table of a usable level; serial for any other.
const DistanceKernels& distance_kernels_for(Isa isa);

/// The f32 length of a vector whose squares add up to `squares`.
inline float length_of(double squares) { return __builtin_sqrtf(static_cast<float>(squares)); }

/// Adds the partial sums of the exact pass.
inline double fold32(double* sums) {
  for (size_t half = 16; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  return sums[0];
}

/// One bf16 value, the high half of an f32.
inline float bf16_to_float(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}

/// Nearest-even; the input is finite.
inline uint16_t float_to_bf16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace quarry
