#pragma once
// y = (x - mean) / sqrt(var + 1e-5) * gamma + beta over the last axis; var biased and from centred values (two passes).
// Accumulators: one f32 per lane, folded at the end. Error: within 4e-7 of the largest |y| of the row for width 2048.
#include <cstddef>

#include "kernels/gemm.h"

namespace quarry {

struct LayerNorm {
  const float* x;  ///< [rows, width]
  size_t rows, width;
  const float* gamma;
  const float* beta;
  Precision precision;    ///< of `packed`
  void* packed = nullptr; ///< if set, y packed as the A of a product
  float* y = nullptr;     ///< if set, y row-major
};

/// Normalises the rows of tiles [tile_begin, tile_end). `scratch` holds tile_rows * width floats. Returns the largest
/// mean^2 + var met, NaN if any was NaN: how large the activations have become.
using LayerNormBlock = float (*)(const LayerNorm& norm, size_t tile_begin, size_t tile_end, float* scratch);

}  // namespace quarry
