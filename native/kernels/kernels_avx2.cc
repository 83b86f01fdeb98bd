#include "kernels/kernels.h"

namespace quarry {
const Kernels kAvx2Kernels{Isa::kAvx2};
}  // namespace quarry
