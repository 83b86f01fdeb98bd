#pragma once
// The kernels of one instruction-set level, as a table of functions.
#include "core/cpu.h"

namespace quarry {

struct Kernels {
  Isa isa;
};

extern const Kernels kSerialKernels;
extern const Kernels kNeonKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512Bf16Kernels;

/// The table of a usable level; serial for any other.
const Kernels& kernels_for(Isa isa);

}  // namespace quarry
