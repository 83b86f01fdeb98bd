// ARMv8-A Advanced SIMD.
#include "compose/compose_impl.h"

namespace quarry {
const ComposeKernels kNeonCompose = {Isa::kNeon, best_addition, add_column};
}  // namespace quarry
