// gemm.h for one level. QUARRY_TILE_ROWS x QUARRY_TILE_VECS accumulators stay in registers; QUARRY_K_SLICE_* bounds the
// part of k one pass multiplies, so that a panel of B stays in the L2 cache while the tiles of a block pass over it. A
// quarter of a 1 MiB cache measures best: against half of that, the V1 shapes gain 2 to 3 % of the peak.
#pragma once
#include "kernels/gemm.h"
#include "kernels/impl/vec.h"

namespace quarry {
namespace {

constexpr size_t kTileRows = QUARRY_TILE_ROWS;
constexpr size_t kTileVecs = QUARRY_TILE_VECS;
constexpr size_t kSubPanel = kTileVecs * W;
static_assert(kPanel % kSubPanel == 0, "a panel holds whole sub-panels");

#define QUARRY_UNROLL _Pragma("GCC unroll 16")

// acc += A tile x B sub-panel over k. `a` [k][R], `b` [k][32].
template <size_t R>
QUARRY_INLINE void multiply_f32(size_t k, const float* a, const float* b, vf (&acc)[R][kTileVecs]) {
  for (size_t i = 0; i < k; ++i) {
    vf column[kTileVecs];
    QUARRY_UNROLL
    for (size_t v = 0; v < kTileVecs; ++v) column[v] = load(b + v * W);
    QUARRY_UNROLL
    for (size_t r = 0; r < R; ++r) {
      const vf row = splat(a[r]);
      QUARRY_UNROLL
      for (size_t v = 0; v < kTileVecs; ++v) acc[r][v] += row * column[v];
    }
    a += R;
    b += kPanel;
  }
}

#if defined(QUARRY_NATIVE_BFMMLA)
// The same over `pairs` pairs of bf16: `a` [pairs][R] and `b` [pairs][32], two elements to a word. BFMMLA multiplies two
// rows of four k with two columns of four k, so two steps of both are zipped, and what a register holds is a block of two
// rows and two columns; of an odd R the last row stands twice.
template <size_t R>
QUARRY_INLINE void multiply_bf16(size_t pairs, const uint32_t* a, const uint32_t* b, vf (&acc)[R][kTileVecs]) {
  constexpr size_t kRowPairs = (R + 1) / 2;
  float32x4_t block[kRowPairs][2 * kTileVecs];
  QUARRY_UNROLL
  for (size_t r = 0; r < kRowPairs; ++r) {
    QUARRY_UNROLL
    for (size_t c = 0; c < 2 * kTileVecs; ++c) block[r][c] = vdupq_n_f32(0);
  }
  const uint32_t zeros[kPanel] = {};
  const uint32x2_t zero = vdup_n_u32(0);
  for (size_t i = 0; i < pairs; i += 2) {
    const bool both = i + 1 < pairs;
    const uint32_t* next_a = both ? a + R : zeros;
    const uint32_t* next_b = both ? b + kPanel : zeros;
    bfloat16x8_t columns[2 * kTileVecs];
    QUARRY_UNROLL
    for (size_t v = 0; v < kTileVecs; ++v) {
      const uint32x4_t first = vld1q_u32(b + v * W);
      const uint32x4_t second = vld1q_u32(next_b + v * W);
      columns[2 * v] = vreinterpretq_bf16_u32(vzip1q_u32(first, second));
      columns[2 * v + 1] = vreinterpretq_bf16_u32(vzip2q_u32(first, second));
    }
    QUARRY_UNROLL
    for (size_t r = 0; r < kRowPairs; ++r) {
      const bool alone = 2 * r + 1 == R;
      const uint32x2_t first = alone ? vdup_n_u32(a[2 * r]) : vld1_u32(a + 2 * r);
      const uint32x2_t second = alone ? vdup_n_u32(next_a[2 * r]) : vld1_u32(next_a + 2 * r);
      const bfloat16x8_t rows = vreinterpretq_bf16_u32(vzip1q_u32(vcombine_u32(first, zero), vcombine_u32(second, zero)));
      QUARRY_UNROLL
      for (size_t c = 0; c < 2 * kTileVecs; ++c) block[r][c] = vbfmmlaq_f32(block[r][c], rows, columns[c]);
    }
    a += 2 * R;
    b += 2 * kPanel;
  }
  QUARRY_UNROLL
  for (size_t r = 0; r < R; ++r) {
    QUARRY_UNROLL
    for (size_t v = 0; v < kTileVecs; ++v) {
      const float32x4_t left = block[r / 2][2 * v], right = block[r / 2][2 * v + 1];
      acc[r][v] += (vf)(r % 2 == 0 ? vcombine_f32(vget_low_f32(left), vget_low_f32(right))
                                   : vcombine_f32(vget_high_f32(left), vget_high_f32(right)));
    }
  }
}
#else
// The same over `pairs` pairs of bf16: `a` [pairs][R] and `b` [pairs][32], two elements to a word.
template <size_t R>
QUARRY_INLINE void multiply_bf16(size_t pairs, const uint32_t* a, const uint32_t* b, vf (&acc)[R][kTileVecs]) {
  for (size_t i = 0; i < pairs; ++i) {
#if defined(QUARRY_NATIVE_BF16)
    __m512bh column[kTileVecs];
    QUARRY_UNROLL
    for (size_t v = 0; v < kTileVecs; ++v) column[v] = (__m512bh)_mm512_loadu_si512(b + v * W);
    QUARRY_UNROLL
    for (size_t r = 0; r < R; ++r) {
      const __m512bh row = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r]));
      QUARRY_UNROLL
      for (size_t v = 0; v < kTileVecs; ++v) acc[r][v] = (vf)_mm512_dpbf16_ps((__m512)acc[r][v], row, column[v]);
    }
#else
    vf low[kTileVecs];
    vf high[kTileVecs];
    QUARRY_UNROLL
    for (size_t v = 0; v < kTileVecs; ++v) {
      const vu word = *reinterpret_cast<const vu_any*>(b + v * W);
      low[v] = (vf)(word << 16);
      high[v] = (vf)(word & 0xffff0000u);
    }
    QUARRY_UNROLL
    for (size_t r = 0; r < R; ++r) {
      const vu word = a[r] - vu{};
      const vf row_low = (vf)(word << 16);
      const vf row_high = (vf)(word & 0xffff0000u);
      QUARRY_UNROLL
      for (size_t v = 0; v < kTileVecs; ++v) {
        acc[r][v] += row_low * low[v];
        acc[r][v] += row_high * high[v];
      }
    }
#endif
    a += R;
    b += kPanel;
  }
}
#endif

// One slice of k for one tile and panel; `out` [R][32] is overwritten, or continued when `add`.
template <Precision P, size_t R>
void tile_pass(size_t steps, const void* a, const void* b, bool add, float* out) {
  for (size_t sub = 0; sub < kPanel; sub += kSubPanel) {
    vf acc[R][kTileVecs];
    QUARRY_UNROLL
    for (size_t r = 0; r < R; ++r) {
      QUARRY_UNROLL
      for (size_t v = 0; v < kTileVecs; ++v) acc[r][v] = vf{};
    }
    if constexpr (P == Precision::kF32) {
      multiply_f32<R>(steps, static_cast<const float*>(a), static_cast<const float*>(b) + sub, acc);
    } else {
      multiply_bf16<R>(steps, static_cast<const uint32_t*>(a), static_cast<const uint32_t*>(b) + sub, acc);
    }
    QUARRY_UNROLL
    for (size_t r = 0; r < R; ++r) {
      QUARRY_UNROLL
      for (size_t v = 0; v < kTileVecs; ++v) {
        float* to = out + r * kPanel + sub + v * W;
        store(to, add ? acc[r][v] + load(to) : acc[r][v]);
      }
    }
  }
}

using TilePass = void (*)(size_t, const void*, const void*, bool, float*);

template <Precision P>
TilePass tile_pass_of(size_t rows) {
  switch (rows) {
#define QUARRY_CASE(R)                                    \
  case R:                                                 \
    if constexpr (R <= kTileRows) return tile_pass<P, R>; \
    break;
    QUARRY_CASE(1)
    QUARRY_CASE(2)
    QUARRY_CASE(3)
    QUARRY_CASE(4)
    QUARRY_CASE(5)
    QUARRY_CASE(6)
    QUARRY_CASE(7)
    QUARRY_CASE(8)
    QUARRY_CASE(9)
    QUARRY_CASE(10)
    QUARRY_CASE(11)
    QUARRY_CASE(12)
    QUARRY_CASE(13)
    QUARRY_CASE(14)
#undef QUARRY_CASE
    default:
      break;
  }
  __builtin_unreachable();
}

// Packs `count` columns of a row-major [rows, ...] tile into columns [column, column + count) of a packed A tile whose
// first element is `tile`. bf16: `column` is even, and an odd `count` is completed with a zero.
inline void pack_tile(const float* source, size_t ld, size_t rows, size_t column, size_t count, Precision precision,
                      void* tile) {
  if (precision == Precision::kF32) {
    float* to = static_cast<float*>(tile) + column * rows;
    for (size_t j = 0; j < count; ++j) {
      for (size_t r = 0; r < rows; ++r) to[j * rows + r] = source[r * ld + j];
    }
    return;
  }
  uint32_t* to = static_cast<uint32_t*>(tile) + column / 2 * rows;
  alignas(64) uint32_t words[kTileRows][W];
  size_t j = 0;
  for (; j + 2 * W <= count; j += 2 * W) {
    for (size_t r = 0; r < rows; ++r) {
      const vh first = __builtin_convertvector(bf16_bits(load(source + r * ld + j)), vh);
      const vh second = __builtin_convertvector(bf16_bits(load(source + r * ld + j + W)), vh);
      std::memcpy(words[r], &first, sizeof first);
      std::memcpy(words[r] + W / 2, &second, sizeof second);
    }
    for (size_t w = 0; w < W; ++w) {
      for (size_t r = 0; r < rows; ++r) to[(j / 2 + w) * rows + r] = words[r][w];
    }
  }
  for (; j < count; j += 2) {
    for (size_t r = 0; r < rows; ++r) {
      const uint32_t low = bf16_of(source[r * ld + j]);
      const uint32_t high = j + 1 < count ? bf16_of(source[r * ld + j + 1]) : 0;
      to[j / 2 * rows + r] = low | high << 16;
    }
  }
}

// What the product is for, on a finished tile `v` [rows][32].
inline void finish_tile(const Gemm& g, float* v, size_t row, size_t rows, size_t panel) {
  const size_t column = panel * kPanel;
  const size_t valid = g.n - column < kPanel ? g.n - column : kPanel;
  if (g.bias != nullptr) {
    alignas(64) float bias[kPanel] = {};
    for (size_t j = 0; j < valid; ++j) bias[j] = g.bias[column + j];
    for (size_t r = 0; r < rows; ++r) {
      for (size_t j = 0; j < kPanel; j += W) store(v + r * kPanel + j, load(v + r * kPanel + j) + load(bias + j));
    }
  }
  switch (g.epilogue) {
    case Epilogue::kStore:
      for (size_t r = 0; r < rows; ++r) {
        float* to = g.c + (row + r - g.c_row0) * g.ldc + column;
        if (valid == kPanel) {
          for (size_t j = 0; j < kPanel; j += W) store(to + j, load(v + r * kPanel + j));
        } else {
          for (size_t j = 0; j < valid; ++j) to[j] = v[r * kPanel + j];
        }
      }
      return;
    case Epilogue::kAdd:
      for (size_t r = 0; r < rows; ++r) {
        float* to = g.c + (row + r - g.c_row0) * g.ldc + column;
        if (valid == kPanel) {
          for (size_t j = 0; j < kPanel; j += W) store(to + j, load(to + j) + load(v + r * kPanel + j));
        } else {
          for (size_t j = 0; j < valid; ++j) to[j] += v[r * kPanel + j];
        }
      }
      return;
    case Epilogue::kGeluPack:
      for (size_t j = 0; j < rows * kPanel; j += W) store(v + j, gelu(load(v + j)));
      break;
    case Epilogue::kScalePack:
      for (size_t r = 0; r < rows; ++r) {
        const vf scale = splat(g.row_scale[row + r - g.c_row0]);
        for (size_t j = 0; j < kPanel; j += W) store(v + r * kPanel + j, load(v + r * kPanel + j) * scale);
      }
      break;
  }
  char* tile = static_cast<char*>(g.packed) + row * stored_k(g.packed_k, g.precision) * element_bytes(g.precision);
  pack_tile(v, kPanel, rows, g.pack_column + column, valid, g.precision, tile);
}

template <Precision P>
size_t gemm_scratch(size_t tiles, size_t panels, size_t k) {
  constexpr size_t slice = P == Precision::kF32 ? QUARRY_K_SLICE_F32 : QUARRY_K_SLICE_BF16;
  return k <= slice ? 0 : tiles * panels * kTileRows * kPanel;
}

template <Precision P>
void gemm_block(const Gemm& g, size_t tile_begin, size_t tile_end, size_t panel_begin, size_t panel_end,
                float* scratch) {
  constexpr size_t slice = P == Precision::kF32 ? QUARRY_K_SLICE_F32 : QUARRY_K_SLICE_BF16;
  constexpr size_t per_step = P == Precision::kF32 ? 1 : 2;  // elements of k in one step
  constexpr size_t bytes = P == Precision::kF32 ? 4 : 2;
  const RowTiles tiles(g.m, kTileRows);
  const size_t k = stored_k(g.k, P);
  const size_t a_k = g.a_k == 0 ? k : stored_k(g.a_k, P);
  const size_t b_k = g.b_k == 0 ? k : stored_k(g.b_k, P);
  const size_t slices = (k + slice - 1) / slice;
  // Slices of equal length, a whole number of steps each.
  const size_t length = round_up((k + slices - 1) / slices, per_step);
  alignas(64) float local[kTileRows * kPanel];
  for (size_t s = 0; s < slices; ++s) {
    const size_t k_begin = s * length;
    const size_t k_end = k_begin + length < k ? k_begin + length : k;
    const bool last = s + 1 == slices;
    for (size_t panel = panel_begin; panel < panel_end; ++panel) {
      const char* b = static_cast<const char*>(g.b) + (panel * b_k + k_begin) * kPanel * bytes;
      for (size_t tile = tile_begin; tile < tile_end; ++tile) {
        const size_t row = tiles.start(tile);
        const size_t rows = tiles.height(tile);
        const char* a = static_cast<const char*>(g.a) + ((row - g.a_row0) * a_k + k_begin * rows) * bytes;
        float* out = slices == 1
                         ? local
                         : scratch + ((panel - panel_begin) * (tile_end - tile_begin) + tile - tile_begin) * kTileRows * kPanel;
        tile_pass_of<P>(rows)((k_end - k_begin) / per_step, a, b, s > 0, out);
        if (last) finish_tile(g, out, row, rows, panel);
      }
    }
  }
}

inline void pack_a(const float* source, size_t ld, size_t m, size_t k, size_t tile_begin, size_t tile_end,
                   Precision precision, void* packed) {
  const RowTiles tiles(m, kTileRows);
  for (size_t tile = tile_begin; tile < tile_end; ++tile) {
    const size_t row = tiles.start(tile);
    char* to = static_cast<char*>(packed) + row * stored_k(k, precision) * element_bytes(precision);
    pack_tile(source + row * ld, ld, tiles.height(tile), 0, k, precision, to);
  }
}

inline void pack_b(const float* source, size_t ld, size_t k_begin, size_t k_end, size_t n, size_t column, size_t k,
                   Precision precision, void* packed) {
  const size_t stored = stored_k(k, precision);
  const size_t step = precision == Precision::kBf16 ? 2 : 1;
  for (size_t j = 0; j < n;) {
    const size_t panel = (column + j) / kPanel;
    const size_t within = (column + j) % kPanel;
    const size_t run = kPanel - within < n - j ? kPanel - within : n - j;
    for (size_t i = k_begin; i < k_end; i += step) {
      const float* row = source + (i - k_begin) * ld + j;
      if (precision == Precision::kF32) {
        float* to = static_cast<float*>(packed) + (panel * stored + i) * kPanel + within;
        for (size_t c = 0; c < run; ++c) to[c] = row[c];
      } else {
        uint32_t* to = static_cast<uint32_t*>(packed) + (panel * stored + i) / 2 * kPanel + within;
        const bool pair = i + 1 < k_end;
        const float* next = pair ? row + ld : row;
        size_t c = 0;
        if (pair) {
          for (; c + W <= run; c += W) {
            *reinterpret_cast<vu_any*>(to + c) = bf16_bits(load(row + c)) | bf16_bits(load(next + c)) << 16;
          }
        }
        for (; c < run; ++c) to[c] = bf16_of(row[c]) | static_cast<uint32_t>(pair ? bf16_of(next[c]) : 0) << 16;
      }
    }
    j += run;
  }
}

}  // namespace
}  // namespace quarry
