#pragma once
// What goes back through a layer: gradients with respect to activations. Weights are given and get none.
//
// gelu:       dx = dy (P(x) + x p(x)), P and p the standard normal's distribution and density
// layer norm: n = (x - mean) / s, g = dy gamma:  dx = (g - mean(g) - n mean(g n)) / s
// attention:  P = softmax(q k^T / sqrt(D)), C = P v:
//             dv = P^T dC ; dP = dC v^T ; dS = P (dP - rowsum(P dP)) / sqrt(D) ; dq = dS k ; dk = dS^T q
//             and q, k turned back by the rotation's opposite
// product:    y = x W gives dx = dy W^T; W^T is packed anew from the packed W, a matrix at a time, so that no second copy
//             of a model's weights is kept
// Everything here is f32; sums of a row are one f32 per lane. Rows whose masked scores count (see attention.h) are taken
// as if those did not: only hostile weights have them, and what a gradient proposes is scored before it is believed.
#include <cstddef>

#include "kernels/attention.h"
#include "kernels/gemm.h"

namespace quarry {

/// gradient[i] *= gelu'(x[i])
using GeluBackward = void (*)(const float* x, size_t count, float* gradient);

struct LayerNormBackward {
  const float* x;      ///< [rows, width]
  const float* dy;     ///< [rows, dy_ld]
  size_t dy_ld;        ///< `width`, or 0 where all rows share one
  size_t width;
  const float* gamma;
  float* gradient;     ///< [rows, width]; dx is added
};

/// Rows [begin, end).
using LayerNormBackwardRows = void (*)(const LayerNormBackward& norm, size_t begin, size_t end);

/// Packs panels [panel_begin, panel_end) of B^T [n, k] from the packed B [k, n].
using TransposeB = void (*)(const void* packed, size_t k, size_t n, Precision precision, size_t panel_begin,
                            size_t panel_end, void* transposed);

struct AttentionBackward {
  AttentionShape shape;   ///< its precision is not looked at
  const float* qkv;       ///< [T, 3E], not rotated
  const float* cosines;   ///< [T, D/2]
  const float* sines;
  size_t pad_row;         ///< rows of cosines and sines from here on repeat this one
  const float* context;   ///< dC [T, E]
  float* gradient;        ///< [T, 3E]; this head's columns are written
};

/// Floats of scratch attention_backward needs for runs of `tiles` tiles.
using AttentionBackwardScratch = size_t (*)(const AttentionShape& shape, size_t tiles);

/// One head, in runs of `tiles` tiles of queries.
using AttentionBackwardHead = void (*)(const AttentionBackward& attention, size_t head, size_t tiles, float* scratch);

}  // namespace quarry
