// AVX-512 with the bf16 dot product.
#define QUARRY_NATIVE_BF16 1
#include <immintrin.h>
#define QUARRY_LANES 16
#define QUARRY_TILE_ROWS 14
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 2048
#define QUARRY_K_SLICE_BF16 4096
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kAvx512Bf16Kernels = make_table(Isa::kAvx512Bf16);
}  // namespace quarry
