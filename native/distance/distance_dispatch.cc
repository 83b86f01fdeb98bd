#include "distance/distance.h"

namespace quarry {

const DistanceKernels& distance_kernels_for(Isa isa) {
  if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0) return kSerialDistance;
  switch (isa) {
#if defined(QUARRY_X86)
    case Isa::kAvx2:
      return kAvx2Distance;
    case Isa::kAvx512:
      return kAvx512Distance;
    case Isa::kAvx512Bf16:
      return kAvx512Bf16Distance;
#elif defined(QUARRY_ARM64)
    case Isa::kNeon:
    case Isa::kNeonBf16:
      return kNeonDistance;
#endif
    default:
      return kSerialDistance;
  }
}

}  // namespace quarry
