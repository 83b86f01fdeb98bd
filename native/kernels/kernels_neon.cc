// ARMv8-A Advanced SIMD.
#define QUARRY_LANES 4
#define QUARRY_TILE_ROWS 8
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 512
#define QUARRY_K_SLICE_BF16 512
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kNeonKernels = make_table(Isa::kNeon);
}  // namespace quarry
