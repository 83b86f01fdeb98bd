#pragma once
// Matrix product, C[m,n] = A[m,k] x B[k,n], with the work that follows it fused onto the finished tile.
//
// B (weights) is packed once: panels of 32 columns, zero-filled to the panel, each panel [k][32] in f32 or
// [ceil(k/2)][32][2] in bf16 (two consecutive k side by side, the order of the two-way dot product). One layout serves
// every level, so a packed file does too.
// A (activations) is packed per product by its producer: tiles of rows, each [k][rows] in f32 or
// [ceil(k/2)][rows][2] in bf16. Tile heights depend on the level (RowTiles); a tile starts at row * k elements.
//
// Accumulators are f32 in both precisions: one per element of C and slice of k, slices added in order.
// Error against exact arithmetic on the given inputs: f32 |err| <= (k + 1) 2^-24 sum|a||b| in the worst case, about
// sqrt(k) 2^-24 of it in practice. bf16 products are exact in f32, so the same bound holds on the rounded inputs;
// rounding the inputs adds at most 2^-8 sum|a||b|. The hardware's dot and matrix products take subnormal inputs as zero;
// ARM's round each step to odd, which doubles the bound's 2^-24.
//
// There is no int8: see "Why no products are in int8" in docs/benchmarks.md.
#include <cstddef>
#include <cstdint>

namespace quarry {

/// Number format of the inputs of a product.
enum class Precision : uint8_t { kF32 = 0, kBf16 = 1 };

/// Columns of a packed panel of B.
inline constexpr size_t kPanel = 32;

inline constexpr size_t round_up(size_t value, size_t to) { return (value + to - 1) / to * to; }

/// k as stored: bf16 holds pairs.
inline constexpr size_t stored_k(size_t k, Precision precision) {
  return precision == Precision::kBf16 ? round_up(k, 2) : k;
}
inline constexpr size_t element_bytes(Precision precision) { return precision == Precision::kBf16 ? 2 : 4; }

/// Bytes of a packed B.
inline constexpr size_t packed_b_bytes(size_t k, size_t n, Precision precision) {
  return round_up(n, kPanel) * stored_k(k, precision) * element_bytes(precision);
}

/// How rows are cut into tiles: as few as `max_rows` allows, heights differing by at most one, so that no tile is thin.
struct RowTiles {
  size_t rows;
  size_t count;
  RowTiles(size_t rows_, size_t max_rows) : rows(rows_), count((rows_ + max_rows - 1) / max_rows) {}
  size_t start(size_t tile) const {
    const size_t base = rows / count;
    const size_t longer = rows % count;
    return tile * base + (tile < longer ? tile : longer);
  }
  size_t height(size_t tile) const { return start(tile + 1) - start(tile); }
};

/// What happens to a finished tile.
enum class Epilogue : uint8_t {
  kStore,     ///< c = v + bias
  kAdd,       ///< c += v + bias, the residual connection
  kGeluPack,  ///< packed = gelu(v + bias), packed as the A of a following product over all n columns
  kScalePack, ///< packed = v * row_scale, packed as columns [pack_column, pack_column + n) of a following A
};

struct Gemm {
  Precision precision = Precision::kF32;
  const void* a = nullptr;  ///< packed; begins with row `a_row0`
  size_t a_row0 = 0;
  const void* b = nullptr;  ///< packed, all panels
  size_t m = 0, n = 0;
  size_t k = 0;    ///< multiplied
  size_t a_k = 0;  ///< A's k where A is longer, else 0
  size_t b_k = 0;  ///< B's k where B is longer, else 0
  Epilogue epilogue = Epilogue::kStore;
  const float* bias = nullptr;  ///< [n] or null
  float* c = nullptr;           ///< kStore, kAdd: row-major, begins with row `c_row0`
  size_t c_row0 = 0;
  size_t ldc = 0;
  void* packed = nullptr;  ///< kGeluPack, kScalePack: the following A, all rows, in `precision`
  size_t packed_k = 0;     ///< its k
  size_t pack_column = 0;  ///< even
  const float* row_scale = nullptr;  ///< kScalePack: begins with row `c_row0`
};

/// Floats of scratch memory one gemm_block call needs.
using GemmScratch = size_t (*)(size_t tiles, size_t panels, size_t k);

/// Computes the tiles [tile_begin, tile_end) x panels [panel_begin, panel_end) of `gemm`.
using GemmBlock = void (*)(const Gemm& gemm, size_t tile_begin, size_t tile_end, size_t panel_begin, size_t panel_end,
                           float* scratch);

/// Packs rows [k_begin, k_end) of a row-major f32 B [k, n] (`source` points at row k_begin, `ld` its row length) into
/// columns [column, column + n) of a packed B with `k` rows. k_begin is even. In bf16 the row beyond an odd k is zeroed;
/// columns of a last partial panel beyond n are not touched, and must be zero already.
using PackB = void (*)(const float* source, size_t ld, size_t k_begin, size_t k_end, size_t n, size_t column, size_t k,
                       Precision precision, void* packed);

/// Packs tiles [tile_begin, tile_end) of a row-major f32 A [m, k] (`ld` its row length).
using PackA = void (*)(const float* source, size_t ld, size_t m, size_t k, size_t tile_begin, size_t tile_end,
                       Precision precision, void* packed);

}  // namespace quarry
