// AVX-512 F, BW, VL, DQ. Thirty-two zmm registers: tiles of 8 rows by 3 panels.
#define QUARRY_DISTANCE_LEVEL avx512_distance
#include "distance/distance_avx512.h"

namespace quarry {

namespace {
void dot_rows_bf16(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots, float* squares) {
  avx512_distance::dot_rows(rows, n, static_cast<const float*>(target), dim, dots, squares);
}
}  // namespace

const DistanceKernels kAvx512Distance = {Isa::kAvx512,
                                         avx512_distance::kLanes,
                                         false,
                                         false,
                                         avx512_distance::dot_rows<float>,
                                         dot_rows_bf16,
                                         avx512_distance::gemm_panel_f32,
                                         nullptr,
                                         avx512_distance::expand,
                                         avx512_distance::normalize<float>,
                                         avx512_distance::normalize<uint16_t>,
                                         avx512_distance::exact_dot};

}  // namespace quarry
