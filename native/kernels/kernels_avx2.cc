// AVX2 with FMA.
#define QUARRY_LANES 8
#define QUARRY_TILE_ROWS 6
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 256
#define QUARRY_K_SLICE_BF16 1024
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kAvx2Kernels = make_table(Isa::kAvx2);
}  // namespace quarry
