#include "compose/compose.h"

namespace quarry {

const ComposeKernels& compose_kernels_for(Isa isa) {
  if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0) return kSerialCompose;
  switch (isa) {
#if defined(QUARRY_X86)
    case Isa::kAvx2:
      return kAvx2Compose;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
      return kAvx512Compose;
#elif defined(QUARRY_ARM64)
    case Isa::kNeon:
    case Isa::kNeonBf16:
      return kNeonCompose;
#endif
    default:
      return kSerialCompose;
  }
}

}  // namespace quarry
