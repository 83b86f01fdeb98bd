#include "kernels/kernels.h"

namespace quarry {
const Kernels kAvx512Bf16Kernels{Isa::kAvx512Bf16};
}  // namespace quarry
