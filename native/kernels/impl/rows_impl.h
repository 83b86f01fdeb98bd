// layer_norm.h, loss.h and elementwise.h for one level.
#pragma once
#include "kernels/elementwise.h"
#include "kernels/impl/gemm_impl.h"
#include "kernels/layer_norm.h"
#include "kernels/loss.h"

namespace quarry {
namespace {

inline float layer_norm_row(const float* x, size_t width, const float* gamma, const float* beta, float* y) {
  vf total = {};
  size_t i = 0;
  for (; i + W <= width; i += W) total += load(x + i);
  float mean = sum(total);
  for (size_t j = i; j < width; ++j) mean += x[j];
  mean /= static_cast<float>(width);
  vf squares = {};
  const vf centre = splat(mean);
  for (i = 0; i + W <= width; i += W) {
    const vf d = load(x + i) - centre;
    squares += d * d;
  }
  float variance = sum(squares);
  for (size_t j = i; j < width; ++j) variance += (x[j] - mean) * (x[j] - mean);
  variance /= static_cast<float>(width);
  const float deviation = __builtin_sqrtf(variance + 1e-5f);
  const vf spread = splat(deviation);
  for (i = 0; i + W <= width; i += W) {
    store(y + i, (load(x + i) - centre) / spread * load(gamma + i) + load(beta + i));
  }
  for (; i < width; ++i) y[i] = (x[i] - mean) / deviation * gamma[i] + beta[i];
  return mean * mean + variance;
}

inline float layer_norm_block(const LayerNorm& norm, size_t tile_begin, size_t tile_end, float* scratch) {
  const RowTiles tiles(norm.rows, norm.packed != nullptr ? kTileRows : kTileRows);
  float largest = 0;
  for (size_t tile = tile_begin; tile < tile_end; ++tile) {
    const size_t row = tiles.start(tile);
    const size_t rows = tiles.height(tile);
    float* y = norm.y != nullptr ? norm.y + row * norm.width : scratch;
    for (size_t r = 0; r < rows; ++r) {
      const float size =
          layer_norm_row(norm.x + (row + r) * norm.width, norm.width, norm.gamma, norm.beta, y + r * norm.width);
      // Written so that a NaN, once met, stays.
      if (!(size <= largest) && largest == largest) largest = size;
    }
    if (norm.packed != nullptr) {
      char* to = static_cast<char*>(norm.packed) +
                 row * stored_k(norm.width, norm.precision) * element_bytes(norm.precision);
      pack_tile(y, norm.width, rows, 0, norm.width, norm.precision, to);
    }
  }
  return largest;
}

inline double cross_entropy_row(const float* logits, size_t classes, uint32_t target) {
  float largest = logits[0];
  for (size_t i = 1; i < classes; ++i) largest = logits[i] > largest || logits[i] != logits[i] ? logits[i] : largest;
  vf total = {};
  const vf top = splat(largest);
  size_t i = 0;
  for (; i + W <= classes; i += W) total += exp_nonpositive(load(logits + i) - top);
  double all = sum(total);
  if (i < classes) {
    alignas(64) float rest[W];
    for (size_t j = 0; j < W; ++j) rest[j] = i + j < classes ? logits[i + j] - largest : -INFINITY;
    all += sum(exp_nonpositive(load(rest)));
  }
  return log(all) - (static_cast<double>(logits[target]) - static_cast<double>(largest));
}

// e^(-t_i^2 / 2) for t_i = 0.1875 i, correctly rounded.
constexpr float kPhi[kSigRegPoints] = {
    1.0f, 0.982575476f, 0.932102501f, 0.853676379f, 0.754839599f, 0.644388735f,
    0.531095982f, 0.422600448f, 0.324652463f, 0.240790471f, 0.172421619f, 0.119199932f,
    0.0795595124f, 0.0512672514f, 0.0318947919f, 0.0191571712f, 0.0111089963f};

inline double sig_reg_row(const float* projections, size_t slices) {
  vf cosines[kSigRegPoints] = {};
  vf sines[kSigRegPoints] = {};
  for (size_t s = 0; s < slices; s += W) {
    const vf x = load(projections + s) * kSigRegStep;
    vf sine;
    vf cosine;
    const vi large = !(vabs(x) <= 8192.0f);
    int any = 0;
    for (size_t j = 0; j < W; ++j) any |= large[j];
    if (any != 0) {
      for (size_t j = 0; j < W; ++j) {
        sine[j] = static_cast<float>(sin(static_cast<double>(x[j])));
        cosine[j] = static_cast<float>(cos(static_cast<double>(x[j])));
      }
    } else {
      sincos(x, &sine, &cosine);
    }
    vf c = cosine;
    vf d = sine;
    for (size_t i = 1; i < kSigRegPoints; ++i) {
      cosines[i] += c;
      sines[i] += d;
      const vf next = c * cosine - d * sine;
      d = d * cosine + c * sine;
      c = next;
    }
  }
  double total = 0;
  for (size_t i = 1; i < kSigRegPoints; ++i) {
    const double mean_cosine = static_cast<double>(sum(cosines[i])) / static_cast<double>(slices);
    const double mean_sine = static_cast<double>(sum(sines[i])) / static_cast<double>(slices);
    const double weight = (i + 1 == kSigRegPoints ? 1.0 : 2.0) * kSigRegStep * kPhi[i];
    total += ((mean_cosine - kPhi[i]) * (mean_cosine - kPhi[i]) + mean_sine * mean_sine) * weight;
  }
  return total * static_cast<double>(slices);
}

inline void gelu_array(const float* x, size_t count, float* y) {
  size_t i = 0;
  for (; i + W <= count; i += W) store(y + i, gelu(load(x + i)));
  if (i < count) {
    alignas(64) float rest[W] = {};
    for (size_t j = 0; i + j < count; ++j) rest[j] = x[i + j];
    store(rest, gelu(load(rest)));
    for (size_t j = 0; i + j < count; ++j) y[i + j] = rest[j];
  }
}

inline void to_bf16_array(const float* x, size_t count, uint16_t* y) {
  size_t i = 0;
  for (; i + W <= count; i += W) {
    *reinterpret_cast<vh_any*>(y + i) = __builtin_convertvector(bf16_bits(load(x + i)), vh);
  }
  for (; i < count; ++i) y[i] = bf16_of(x[i]);
}

inline void accumulate_row(const float* x, size_t count, double* acc) {
  for (size_t i = 0; i < count; ++i) acc[i] += static_cast<double>(x[i]);
}

}  // namespace
}  // namespace quarry
