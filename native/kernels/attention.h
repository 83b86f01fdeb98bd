#pragma once
// Rotary embedding and causal attention of one head.
//
// rope:  out[i] = x[i] cos - x[i + D/2] sin ; out[i + D/2] = x[i + D/2] cos + x[i] sin      (half-split pairs)
// score: (q . k) / sqrt(D) for keys j <= i ; w = softmax ; ctx = sum_j w_j v_j
//
// A call handles one head and a run of query tiles: it multiplies them with all keys up to their last row, so the
// maximum and the sum of a row are exact and nothing has to be rescaled; the scores of a run stay in the L2 cache.
// The protocol fills masked scores with -10000, not minus infinity. A row whose largest allowed score is below -9896
// therefore gets its masked entries (score -10000, their own v) added.
// Accumulators: f32; the sum of a row one f32 per lane. exp is within 2 ulp. In bf16, q, k, v and the unnormalised
// weights are rounded to bf16, everything else is f32.
#include <cstddef>

#include "kernels/gemm.h"

namespace quarry {

struct AttentionShape {
  size_t tokens;      ///< T
  size_t heads;       ///< A
  size_t head_width;  ///< D
  Precision precision;
};

/// Bytes of the packed q, k or v of one head.
inline constexpr size_t packed_head_bytes(size_t tokens, size_t head_width, Precision precision) {
  return round_up(tokens, kPanel) * round_up(head_width, kPanel) * element_bytes(precision);
}

struct HeadPack {
  AttentionShape shape;
  const float* qkv;      ///< [T, 3E]: q, k, v side by side
  const float* cosines;  ///< [T, D/2]
  const float* sines;
  size_t pad_row;        ///< rows of cosines and sines from here on repeat this one
  float* scratch;        ///< [max(tile_rows, 32), D]
  void* q;               ///< packed A [T, D]
  void* k;               ///< packed B [D, T]
  void* v;               ///< packed B [T, D]
};

/// Rotates and packs one head.
using PackHead = void (*)(const HeadPack& pack, size_t head);

struct Attention {
  AttentionShape shape;
  const void* q;
  const void* k;
  const void* v;
  const float* qkv;  ///< for the rows that need masked entries
  void* context;     ///< packed A [T, E]; this head's columns are written
};

/// Floats of scratch attention_block needs for `tiles` tiles.
using AttentionScratch = size_t (*)(const AttentionShape& shape, size_t tiles);

/// Attends tiles [tile_begin, tile_end) of `head`. Returns the largest |row maximum| met, NaN if any was NaN.
using AttentionBlock = float (*)(const Attention& attention, size_t head, size_t tile_begin, size_t tile_end,
                                 float* scratch);

}  // namespace quarry
