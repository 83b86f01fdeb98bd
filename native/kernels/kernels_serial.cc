// Four lanes of the compiler's own vectors: SSE2 on x86-64, scalar code on processors without vectors. Always compiled.
#define QUARRY_LANES 4
#define QUARRY_TILE_ROWS 4
#define QUARRY_TILE_VECS 2
#define QUARRY_K_SLICE_F32 512
#define QUARRY_K_SLICE_BF16 512
#include "kernels/impl/table_impl.h"

namespace quarry {
const Kernels kSerialKernels = make_table(Isa::kSerial);
}  // namespace quarry
