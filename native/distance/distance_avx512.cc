// AVX-512 F, BW, VL, DQ. Thirty-two zmm registers: tiles of 8 rows by 3 panels.
#define QUARRY_DISTANCE_LEVEL avx512_distance
#include "distance/distance_avx512.h"

namespace quarry {

namespace {
void one_bf16(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots, float* squares) {
  avx512_distance::one(rows, n, static_cast<const float*>(target), dim, dots, squares);
}
}  // namespace

const DistanceKernels kAvx512Distance = {Isa::kAvx512,
                                         avx512_distance::kLanes,
                                         false,
                                         false,
                                         avx512_distance::one<float>,
                                         one_bf16,
                                         avx512_distance::many_f32,
                                         nullptr,
                                         avx512_distance::expand,
                                         avx512_distance::quotients<float>,
                                         avx512_distance::quotients<uint16_t>,
                                         avx512_distance::exact_dot};

}  // namespace quarry
