// The plain level.
#include "compose/compose_impl.h"

namespace quarry {
const ComposeKernels kSerialCompose = {Isa::kSerial, best_addition, add_column};
}  // namespace quarry
