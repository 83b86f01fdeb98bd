#pragma once
// What levels have in common. Each includes it for itself: in an anonymous namespace, so that every translation unit keeps
// the copy that was compiled with its own flags.
#include "distance/distance.h"

namespace quarry {
namespace {

constexpr size_t kLanes = 8;

inline float value(float x) { return x; }
inline float value(uint16_t x) { return bf16_to_float(x); }

/// The level's own.
template <typename T>
void dot_rows(const T* const* rows, size_t n, const float* target, size_t dim, float* dots, float* squares);

void dot_rows_bf16(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots, float* squares) {
  dot_rows(rows, n, static_cast<const float*>(target), dim, dots, squares);
}

/// The level's own: four rows by P panels.
template <size_t P>
void tile(const float* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc);

void gemm_panel_f32(const float* const* rows, const void* panel, size_t stride, size_t panels, size_t depth, float* c,
                    size_t ldc) {
  const char* b = static_cast<const char*>(panel);
  for (size_t r = 0; r < kDistanceTile; r += 4) {
    if (panels == 3) tile<3>(rows + r, b, stride, depth, c + r * ldc, ldc);
    else if (panels == 2) tile<2>(rows + r, b, stride, depth, c + r * ldc, ldc);
    else tile<1>(rows + r, b, stride, depth, c + r * ldc, ldc);
  }
}

/// The level's own; normalize for float and uint16_t.
void expand(const uint16_t* row, size_t dim, float* out);
template <typename T>
void normalize(const T* row, size_t dim, double* out);
double exact_dot(const double* normalized, const float* unit, size_t dim);

/// The table of the including level.
constexpr DistanceKernels level_table(Isa isa) {
  return {isa,     kLanes, false,  false,           dot_rows<float>,     dot_rows_bf16, gemm_panel_f32,
          nullptr, expand, normalize<float>, normalize<uint16_t>, exact_dot};
}

}  // namespace
}  // namespace quarry
