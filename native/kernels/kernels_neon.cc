#include "kernels/kernels.h"

namespace quarry {
const Kernels kNeonKernels{Isa::kNeon};
}  // namespace quarry
