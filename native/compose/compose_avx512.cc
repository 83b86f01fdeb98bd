// AVX-512 F, BW, VL, DQ.
#include "compose/compose_impl.h"

namespace quarry {
const ComposeKernels kAvx512Compose = {Isa::kAvx512, best_addition, add_column};
}  // namespace quarry
