// backward.h for one level: rows and matrices. Attention is apart.
#pragma once
#include "kernels/backward.h"
#include "kernels/impl/gemm_impl.h"

namespace quarry {
namespace {

QUARRY_INLINE vf gelu_slope(vf x) {
  const vf density = exp_nonpositive(x * x * -0.5f) * 0.398942280401432678f;
  return 0.5f * twice_normal_distribution(x) + x * density;
}

inline void gelu_backward(const float* x, size_t count, float* gradient) {
  size_t i = 0;
  for (; i + W <= count; i += W) store(gradient + i, load(gradient + i) * gelu_slope(load(x + i)));
  if (i == count) return;
  alignas(64) float rest[W] = {};
  for (size_t j = 0; i + j < count; ++j) rest[j] = x[i + j];
  store(rest, gelu_slope(load(rest)));
  for (size_t j = 0; i + j < count; ++j) gradient[i + j] *= rest[j];
}

inline void layer_norm_backward_row(const float* x, const float* dy, size_t width, const float* gamma,
                                    float* gradient) {
  const auto n = static_cast<float>(width);
  vf total = {};
  size_t i = 0;
  for (; i + W <= width; i += W) total += load(x + i);
  float mean = sum(total);
  for (size_t j = i; j < width; ++j) mean += x[j];
  mean /= n;
  vf squares = {};
  vf slopes = {};
  vf products = {};
  for (i = 0; i + W <= width; i += W) {
    const vf d = load(x + i) - mean;
    const vf g = load(dy + i) * load(gamma + i);
    squares += d * d;
    slopes += g;
    products += g * d;
  }
  float variance = sum(squares);
  float slope = sum(slopes);
  float product = sum(products);
  for (size_t j = i; j < width; ++j) {
    const float d = x[j] - mean;
    const float g = dy[j] * gamma[j];
    variance += d * d;
    slope += g;
    product += g * d;
  }
  variance = variance / n + 1e-5f;
  const float spread = 1.0f / __builtin_sqrtf(variance);
  slope /= n;
  product /= n * variance;
  for (i = 0; i + W <= width; i += W) {
    const vf g = load(dy + i) * load(gamma + i);
    store(gradient + i, load(gradient + i) + (g - slope - (load(x + i) - mean) * product) * spread);
  }
  for (; i < width; ++i) gradient[i] += (dy[i] * gamma[i] - slope - (x[i] - mean) * product) * spread;
}

inline void layer_norm_backward_rows(const LayerNormBackward& norm, size_t begin, size_t end) {
  for (size_t row = begin; row < end; ++row) {
    layer_norm_backward_row(norm.x + row * norm.width, norm.dy + row * norm.dy_ld, norm.width, norm.gamma,
                            norm.gradient + row * norm.width);
  }
}

// A square of 32 at a time: columns of one panel of B become rows of one panel of B^T, both in the first-level cache.
inline void transpose_b(const void* packed, size_t k, size_t n, Precision precision, size_t panel_begin,
                        size_t panel_end, void* transposed) {
  const size_t from_k = stored_k(k, precision);
  const size_t to_k = stored_k(n, precision);
  const size_t panels = round_up(n, kPanel) / kPanel;
  for (size_t q = panel_begin; q < panel_end; ++q) {
    const size_t rows = from_k - q * kPanel < kPanel ? from_k - q * kPanel : kPanel;
    for (size_t p = 0; p < panels; ++p) {
      const size_t columns = to_k - p * kPanel < kPanel ? to_k - p * kPanel : kPanel;
      if (precision == Precision::kF32) {
        const float* from = static_cast<const float*>(packed) + (p * from_k + q * kPanel) * kPanel;
        float* to = static_cast<float*>(transposed) + (q * to_k + p * kPanel) * kPanel;
        for (size_t j = 0; j < columns; ++j) {
          for (size_t i = 0; i < rows; ++i) to[j * kPanel + i] = from[i * kPanel + j];
          for (size_t i = rows; i < kPanel; ++i) to[j * kPanel + i] = 0;
        }
        continue;
      }
      // Words of two: rows 2i, 2i + 1 of column j become columns of rows j, j + 1.
      const uint32_t* from = static_cast<const uint32_t*>(packed) + (p * from_k + q * kPanel) / 2 * kPanel;
      uint32_t* to = static_cast<uint32_t*>(transposed) + (q * to_k + p * kPanel) / 2 * kPanel;
      for (size_t j = 0; j < columns; j += 2) {
        uint32_t* line = to + j / 2 * kPanel;
        for (size_t i = 0; i < rows; i += 2) {
          const uint32_t a = from[i / 2 * kPanel + j];
          const uint32_t b = from[i / 2 * kPanel + j + 1];
          line[i] = (a & 0xffffu) | b << 16;
          line[i + 1] = a >> 16 | (b & 0xffff0000u);
        }
        for (size_t i = rows; i < kPanel; ++i) line[i] = 0;
      }
    }
  }
}

}  // namespace
}  // namespace quarry
