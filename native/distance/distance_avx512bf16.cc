// AVX-512 with BF16: two products per lane and instruction for panels of targets.
#define QUARRY_DISTANCE_LEVEL avx512bf16_distance
#include "distance/distance_avx512.h"

namespace quarry {
namespace {

using avx512bf16_distance::kLanes;

inline __m512bh pair(const uint16_t* row) {
  uint32_t bits;
  __builtin_memcpy(&bits, row, sizeof bits);
  return (__m512bh)_mm512_set1_epi32(static_cast<int>(bits));
}

template <size_t P>
void tile_bf16(const uint16_t* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  constexpr size_t R = kDistanceTile;
  __m512 acc[R][P];
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_loadu_ps(c + r * ldc + p * kLanes);
  }
  const uint16_t* a[R];
  for (size_t r = 0; r < R; ++r) a[r] = rows[r];
  auto panel_at = [&](size_t p, size_t k) {
    return (__m512bh)_mm512_loadu_si512(panel + p * stride + k * kLanes * sizeof(uint16_t));
  };
  size_t k = 0;
  for (; k + 2 <= depth; k += 2) {
    __m512bh b[P];
    for (size_t p = 0; p < P; ++p) b[p] = panel_at(p, k);
    for (size_t r = 0; r < R; ++r) {
      const __m512bh x = pair(a[r] + k);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_dpbf16_ps(acc[r][p], x, b[p]);
    }
  }
  if (k < depth) {
    for (size_t r = 0; r < R; ++r) {
      const __m512bh x = (__m512bh)_mm512_set1_epi32(a[r][k]);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_dpbf16_ps(acc[r][p], x, panel_at(p, k));
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) _mm512_storeu_ps(c + r * ldc + p * kLanes, acc[r][p]);
  }
}

void gemm_panel_bf16(const uint16_t* const* rows, const void* panel, size_t stride, size_t panels, size_t depth,
                     float* c, size_t ldc) {
  const char* b = static_cast<const char*>(panel);
  if (panels == 3) tile_bf16<3>(rows, b, stride, depth, c, ldc);
  else if (panels == 2) tile_bf16<2>(rows, b, stride, depth, c, ldc);
  else tile_bf16<1>(rows, b, stride, depth, c, ldc);
}

inline __m512bh load_pairs(const uint16_t* p) { return (__m512bh)_mm512_loadu_si512(p); }

/// R rows, `apart` places from each other, times both halves of the target and themselves, 32 elements an instruction;
/// nothing is widened.
template <size_t R>
void stream(const uint16_t* const* rows, size_t apart, const uint16_t* high, const uint16_t* low, size_t dim,
            float* dots, float* squares) {
  __m512 d[R], e[R], s[R];
  const uint16_t* row[R];
  for (size_t r = 0; r < R; ++r) {
    d[r] = e[r] = s[r] = _mm512_setzero_ps();
    row[r] = rows[r * apart];
  }
  auto step = [&](size_t r, __m512bh x, __m512bh h, __m512bh l) {
    d[r] = _mm512_dpbf16_ps(d[r], x, h);
    e[r] = _mm512_dpbf16_ps(e[r], x, l);
    s[r] = _mm512_dpbf16_ps(s[r], x, x);
  };
  size_t k = 0;
  for (; k + 32 <= dim; k += 32) {
    const __m512bh h = load_pairs(high + k);
    const __m512bh l = load_pairs(low + k);
    for (size_t r = 0; r < R; ++r) step(r, load_pairs(row[r] + k), h, l);
  }
  if (k < dim) {
    const __mmask32 mask = static_cast<__mmask32>((1u << (dim - k)) - 1);
    const __m512bh h = load_pairs(high + k);
    const __m512bh l = load_pairs(low + k);
    for (size_t r = 0; r < R; ++r) step(r, (__m512bh)_mm512_maskz_loadu_epi16(mask, row[r] + k), h, l);
  }
  for (size_t r = 0; r < R; ++r) {
    dots[r * apart] = _mm512_reduce_add_ps(_mm512_add_ps(d[r], e[r]));
    squares[r * apart] = _mm512_reduce_add_ps(s[r]);
  }
}

void dot_rows_bf16(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots, float* squares) {
  const uint16_t* high = static_cast<const uint16_t*>(target);
  const uint16_t* low = high + (dim + 31) / 32 * 32;
  in_streams(
      rows, n, dim,
      [&](size_t i, size_t apart) { stream<kStreams>(rows + i, apart, high, low, dim, dots + i, squares + i); },
      [&](size_t i) { stream<1>(rows + i, 0, high, low, dim, dots + i, squares + i); });
}

}  // namespace

const DistanceKernels kAvx512Bf16Distance = {Isa::kAvx512Bf16,
                                             kLanes,
                                             true,
                                             true,
                                             avx512bf16_distance::dot_rows<float>,
                                             dot_rows_bf16,
                                             avx512bf16_distance::gemm_panel_f32,
                                             gemm_panel_bf16,
                                             avx512bf16_distance::expand,
                                             avx512bf16_distance::normalize<float>,
                                             avx512bf16_distance::normalize<uint16_t>,
                                             avx512bf16_distance::exact_dot};

}  // namespace quarry
