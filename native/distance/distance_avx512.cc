// AVX-512 F, BW, VL, DQ. Thirty-two zmm registers: tiles of 8 rows by 3 panels.
#define QUARRY_DISTANCE_LEVEL avx512_distance
#include "distance/distance_avx512.h"

namespace quarry {

const DistanceKernels kAvx512Distance = {Isa::kAvx512,
                                         avx512_distance::kLanes,
                                         false,
                                         avx512_distance::one<float>,
                                         avx512_distance::one<uint16_t>,
                                         avx512_distance::many_f32,
                                         nullptr,
                                         avx512_distance::expand,
                                         avx512_distance::exact<float>,
                                         avx512_distance::exact<uint16_t>};

}  // namespace quarry
