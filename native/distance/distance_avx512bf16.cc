// AVX-512 with BF16: two products per lane and instruction for many targets.
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

void many_bf16(const uint16_t* const* rows, const void* panel, size_t stride, size_t panels, size_t depth, float* c,
               size_t ldc) {
  const char* b = static_cast<const char*>(panel);
  if (panels == 3) tile_bf16<3>(rows, b, stride, depth, c, ldc);
  else if (panels == 2) tile_bf16<2>(rows, b, stride, depth, c, ldc);
  else tile_bf16<1>(rows, b, stride, depth, c, ldc);
}

}  // namespace

const DistanceKernels kAvx512Bf16Distance = {Isa::kAvx512Bf16,
                                             kLanes,
                                             true,
                                             avx512bf16_distance::one<float>,
                                             avx512bf16_distance::one<uint16_t>,
                                             avx512bf16_distance::many_f32,
                                             many_bf16,
                                             avx512bf16_distance::expand,
                                             avx512bf16_distance::exact<float>,
                                             avx512bf16_distance::exact<uint16_t>};

}  // namespace quarry
