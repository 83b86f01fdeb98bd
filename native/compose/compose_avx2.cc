// AVX2 + FMA.
#include "compose/compose_impl.h"

namespace quarry {
const ComposeKernels kAvx2Compose = {Isa::kAvx2, best_addition, add_column};
}  // namespace quarry
