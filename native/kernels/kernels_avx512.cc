// AVX-512 F, BW, VL, DQ.
#define QUARRY_LANES 16
#define QUARRY_TILE_ROWS 14
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 2048
#define QUARRY_K_SLICE_BF16 2048
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kAvx512Kernels = make_table(Isa::kAvx512);
}  // namespace quarry
