#include "kernels/kernels.h"

namespace quarry {

const Kernels& kernels_for(Isa isa) {
  if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0) return kSerialKernels;
  switch (isa) {
#if defined(QUARRY_X86)
    case Isa::kAvx2:
      return kAvx2Kernels;
    case Isa::kAvx512:
      return kAvx512Kernels;
    case Isa::kAvx512Bf16:
      return kAvx512Bf16Kernels;
#elif defined(QUARRY_ARM64)
    case Isa::kNeon:
      return kNeonKernels;
    case Isa::kNeonBf16:
      return kNeonBf16Kernels;
#endif
    default:
      return kSerialKernels;
  }
}

}  // namespace quarry
