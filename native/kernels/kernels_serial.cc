#include "kernels/kernels.h"

namespace quarry {
const Kernels kSerialKernels{Isa::kSerial};
}  // namespace quarry
