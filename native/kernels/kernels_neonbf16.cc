// ARMv8.6-A Advanced SIMD with the bf16 matrix product, BFMMLA.
#include <arm_neon.h>
#define QUARRY_NATIVE_BFMMLA 1
#define QUARRY_LANES 4
#define QUARRY_TILE_ROWS 8
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 512
#define QUARRY_K_SLICE_BF16 1024
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kNeonBf16Kernels = make_table(Isa::kNeonBf16);
}  // namespace quarry
