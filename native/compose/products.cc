#include "compose/products.h"

#include <algorithm>
#include <cstring>

namespace quarry {
namespace {
/// Up to this many vectors, rows are streamed once for each.
constexpr size_t kFewVectors = 2;
constexpr size_t kPanelsAtOnce = 3;
/// Rows between two stores of the results: they and the panels' slice stay in L2.
constexpr size_t kRowBlock = 64;
}  // namespace

void Products::take(const float* rows, size_t n, const float* vectors, size_t count, float* out, size_t stride) {
  if (count <= kFewVectors) {
    for (size_t v = 0; v < count; ++v) one(rows, n, vectors + v * dim_, out + v * stride);
    return;
  }
  const size_t most = kPanelsAtOnce * kernels_.lanes;
  for (size_t v = 0; v < count; v += most) {
    panels(rows, n, vectors + v * dim_, std::min(most, count - v), out + v * stride, stride);
  }
}

void Products::one(const float* rows, size_t n, const float* vector, float* out) {
  squares_.resize(kRowBlock);
  const float* pointers[kRowBlock];
  for (size_t first = 0; first < n; first += kRowBlock) {
    const size_t some = std::min(kRowBlock, n - first);
    for (size_t i = 0; i < some; ++i) pointers[i] = rows + (first + i) * dim_;
    kernels_.dot_rows_f32(pointers, some, vector, dim_, out + first, squares_.data());
  }
}

void Products::take_rough(const uint16_t* rows, size_t n, const float* vector, float* out) {
  squares_.resize(kRowBlock);
  const void* prepared = vector;
  if (kernels_.split_target) {
    const size_t half = (dim_ + 31) / 32 * 32;
    split_.assign(2 * half, 0);
    for (size_t k = 0; k < dim_; ++k) {
      split_[k] = float_to_bf16(vector[k]);
      split_[half + k] = float_to_bf16(vector[k] - bf16_to_float(split_[k]));
    }
    prepared = split_.data();
  }
  const uint16_t* pointers[kRowBlock];
  for (size_t first = 0; first < n; first += kRowBlock) {
    const size_t some = std::min(kRowBlock, n - first);
    for (size_t i = 0; i < some; ++i) pointers[i] = rows + (first + i) * dim_;
    kernels_.dot_rows_bf16(pointers, some, prepared, dim_, out + first, squares_.data());
  }
}

void Products::panels(const float* rows, size_t n, const float* vectors, size_t count, float* out, size_t stride) {
  const size_t lanes = kernels_.lanes;
  const size_t width = (count + lanes - 1) / lanes;
  const size_t ldc = width * lanes;
  packed_.resize(kPanelsAtOnce * lanes * dim_);
  std::memset(packed_.data(), 0, ldc * dim_ * sizeof(float));
  for (size_t v = 0; v < count; ++v) {
    float* panel = packed_.data() + v / lanes * lanes * dim_ + v % lanes;
    for (size_t k = 0; k < dim_; ++k) panel[k * lanes] = vectors[v * dim_ + k];
  }
  block_.resize((kRowBlock + kDistanceTile) * kPanelsAtOnce * lanes);
  const size_t panel_stride = lanes * dim_ * sizeof(float);
  for (size_t first = 0; first < n; first += kRowBlock) {
    const size_t some = std::min(kRowBlock, n - first);
    const size_t padded = (some + kDistanceTile - 1) / kDistanceTile * kDistanceTile;
    std::memset(block_.data(), 0, padded * ldc * sizeof(float));
    for (size_t k = 0; k < dim_; k += kDistanceDepth) {
      const size_t depth = std::min(kDistanceDepth, dim_ - k);
      for (size_t r = 0; r < padded; r += kDistanceTile) {
        const float* tile[kDistanceTile];
        for (size_t i = 0; i < kDistanceTile; ++i) tile[i] = rows + (first + std::min(r + i, some - 1)) * dim_ + k;
        kernels_.gemm_panel_f32(tile, packed_.data() + k * lanes, panel_stride, width, depth, block_.data() + r * ldc, ldc);
      }
    }
    for (size_t v = 0; v < count; ++v) {
      float* to = out + v * stride + first;
      for (size_t i = 0; i < some; ++i) to[i] = block_[i * ldc + v];
    }
  }
}

}  // namespace quarry
