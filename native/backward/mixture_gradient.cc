#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backward/gradient_pass.h"
#include "forward/parallel.h"

namespace quarry {

namespace {
constexpr size_t kRowsOfTask = 32;
constexpr size_t kTilesOfTask = 4;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

/// The cosine of a sum of rows and the target; `slopes` [E] gets its gradient with respect to each of the rows.
double cosine_slopes(const std::vector<double>& sum, const float* target, float* slopes) {
  double dot = 0;
  double square_sum = 0;
  double square_target = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    dot += sum[i] * target[i];
    square_sum += sum[i] * sum[i];
    square_target += static_cast<double>(target[i]) * target[i];
  }
  const double lengths = std::sqrt(square_sum * square_target);
  for (size_t i = 0; i < sum.size(); ++i) {
    slopes[i] = static_cast<float>((target[i] - dot / square_sum * sum[i]) / lengths);
  }
  return dot / lengths;
}
}  // namespace

void GradientPass::embed_mixture(const PackedWeights& weights, const float* mixture, const std::atomic<bool>* abort) {
  const size_t e = shape_.embedding;
  std::memset(bytes_.data(), 0, bytes_.size() * sizeof(float));
  kernels_.pack_b(weights.embedding, e, 0, kByteValues, e, 0, kByteValues, Precision::kF32, bytes_.data());
  pack_f32(mixture, kByteValues, shape_.tokens, kByteValues, abort);
  Gemm g;
  g.b = bytes_.data();
  g.m = shape_.tokens;
  g.n = e;
  g.k = kByteValues;
  g.c = x_.data();
  g.ldc = e;
  product_f32(g, abort);
}

std::vector<double> GradientPass::final_norm(const PackedWeights& weights, const std::atomic<bool>* abort) {
  const size_t e = shape_.embedding;
  const RowTiles tiles(shape_.tokens, kernels_.tile_rows_f32);
  LayerNorm norm;
  norm.x = x_.data();
  norm.rows = shape_.tokens;
  norm.width = e;
  norm.gamma = weights.final_gamma;
  norm.beta = weights.final_beta;
  norm.precision = Precision::kF32;
  norm.y = product_.data();
  norm.packed = packed_.data();
  parallel(pool_, ceil_div(tiles.count, kTilesOfTask), abort, [&](size_t task, unsigned) {
    kernels_.layer_norm(norm, task * kTilesOfTask, std::min(tiles.count, (task + 1) * kTilesOfTask), nullptr);
  });
  std::vector<double> sum(e);
  for (size_t row = 0; row < shape_.tokens; ++row) kernels_.accumulate(product_.data() + row * e, e, sum.data());
  return sum;
}

double GradientPass::label_slopes(const MixtureGoal& goal, const std::atomic<bool>* abort, float* out) {
  const size_t t = shape_.tokens;
  const size_t v = shape_.vocabulary;
  const double weight = goal.loss_weight / static_cast<double>(t);
  std::vector<double> parts(ceil_div(t, kRowsOfTask));
  parallel(pool_, parts.size(), abort, [&](size_t task, unsigned) {
    for (size_t row = task * kRowsOfTask; row < std::min(t, (task + 1) * kRowsOfTask); ++row) {
      float* logits = logits_.data() + row * v;
      if (row + 1 == t) {
        // Nothing follows the last byte.
        std::memset(logits, 0, v * sizeof(float));
        continue;
      }
      const float* labels = goal.mixture + (row + 1) * kByteValues;
      const float largest = *std::max_element(logits, logits + v);
      double sum = 0;
      for (size_t i = 0; i < v; ++i) sum += std::exp(static_cast<double>(logits[i] - largest));
      const double log_sum = largest + std::log(sum);
      for (size_t i = 0; i < v; ++i) {
        const double log_likelihood = logits[i] - log_sum;
        const double label = i < kByteValues ? labels[i] : 0;
        parts[task] -= label * log_likelihood;
        if (i < kByteValues) out[(row + 1) * kByteValues + i] += static_cast<float>(weight * log_likelihood);
        logits[i] = static_cast<float>(weight * (label - std::exp(log_likelihood)));
      }
    }
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total / static_cast<double>(t);
}

bool GradientPass::run_mixture(const PackedWeights& weights, const MixtureGoal& goal, const RopeTables& rope,
                               const std::atomic<bool>* abort, float* out, MixtureValues* values) {
  const size_t t = shape_.tokens;
  const size_t e = shape_.embedding;
  const size_t v = shape_.vocabulary;
  const ChunkInput chunk{nullptr, t, 0};
  embed_mixture(weights, goal.mixture, abort);
  if (!encode(weights, chunk, rope, abort)) return false;

  const std::vector<double> sum = final_norm(weights, abort);
  std::vector<float> direction(e);
  values->cosine = cosine_slopes(sum, goal.target, direction.data());

  logits_.resize(t * v);
  Gemm predictor;
  predictor.b = weights.predictor;
  predictor.m = t;
  predictor.n = v;
  predictor.k = e;
  predictor.bias = weights.predictor_bias;
  predictor.c = logits_.data();
  predictor.ldc = v;
  product_f32(predictor, abort);
  values->cross_entropy = label_slopes(goal, abort, out);
  if (abort != nullptr && abort->load(std::memory_order_relaxed)) return false;

  parallel(pool_, ceil_div(e, kPanel), abort, [&](size_t panel, unsigned) {
    kernels_.transpose_b(weights.predictor, e, v, Precision::kF32, panel, panel + 1, transposed_.data());
  });
  pack_f32(logits_.data(), v, t, v, abort);
  Gemm back;
  back.b = transposed_.data();
  back.m = t;
  back.n = e;
  back.k = v;
  back.bias = direction.data();
  back.c = product_.data();
  back.ldc = e;
  product_f32(back, abort);
  std::memset(gradient_.data(), 0, t * e * sizeof(float));
  norm_backward(x_.data(), product_.data(), e, weights.final_gamma, abort);
  if (!encode_backward(weights, chunk, rope, abort)) return false;
  bytes_backward(weights, t, abort, out);
  return abort == nullptr || !abort->load(std::memory_order_relaxed);
}

}  // namespace quarry
