#include "kernels/kernels.h"

namespace quarry {
const Kernels kAvx512Kernels{Isa::kAvx512};
}  // namespace quarry
