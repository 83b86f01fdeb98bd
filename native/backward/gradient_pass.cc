#include "backward/gradient_pass.h"

#include <algorithm>
#include <cstring>

#include "forward/parallel.h"

namespace quarry {

namespace {
constexpr size_t kRowsOfTask = 32;
constexpr size_t kTilesOfTask = 4;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

bool stopped(const std::atomic<bool>* abort) { return abort != nullptr && abort->load(std::memory_order_relaxed); }
}  // namespace

GradientPass::GradientPass(const ModelShape& shape, Precision precision, const Kernels& kernels, ThreadPool* pool)
    : Forward(shape, precision, kernels, pool) {
  const size_t t = shape.tokens;
  const size_t e = shape.embedding;
  const size_t h = shape.hidden;
  inputs_.resize(shape.layers * t * e);
  gradient_.resize(t * e);
  product_.resize(t * e);
  slopes_.resize(t * e);
  qkv_slopes_.resize(t * 3 * e);
  inner_.resize(t * h);
  inner_slopes_.resize(t * h);
  packed_.resize(t * std::max({3 * e, h, shape.vocabulary}) * sizeof(float) + 64);
  transposed_.resize(std::max({packed_b_bytes(3 * e, e, precision), packed_b_bytes(e, h, precision),
                               packed_b_bytes(h, e, precision),
                               packed_b_bytes(shape.vocabulary, e, Precision::kF32)}));
  const AttentionShape attention{t, shape.heads, shape.head_width(), Precision::kF32};
  head_floats_ = round_up(kernels.attention_backward_scratch(attention, kTilesOfTask), 16);
  head_scratch_.resize(head_floats_ * threads_);
  bytes_.resize(std::max(packed_b_bytes(e, kByteValues, Precision::kF32),
                         packed_b_bytes(kByteValues, e, Precision::kF32)) / sizeof(float));
  scratch_floats_ = round_up(
      std::max(scratch_floats_, kernels.gemm_scratch_f32(kTilesOfTask, ceil_div(e, kPanel), shape.vocabulary)), 16);
  scratch_.resize(scratch_floats_ * threads_);
}

void GradientPass::multiply_transposed(const float* from, size_t in, const void* weights, size_t out, float* to,
                                       const std::atomic<bool>* abort) {
  // W is [out, in]: what went in as x [T, out] came out as [T, in].
  const size_t panels = ceil_div(out, kPanel);
  parallel(pool_, panels, abort, [&](size_t panel, unsigned) {
    kernels_.transpose_b(weights, out, in, precision_, panel, panel + 1, transposed_.data());
  });
  parallel(pool_, ceil_div(tiles_.count, kTilesOfTask), abort, [&](size_t task, unsigned) {
    kernels_.pack_a(from, in, shape_.tokens, in, task * kTilesOfTask,
                    std::min(tiles_.count, (task + 1) * kTilesOfTask), precision_, packed_.data());
  });
  Gemm g;
  g.a = packed_.data();
  g.b = transposed_.data();
  g.n = out;
  g.k = in;
  g.c = to;
  g.ldc = out;
  gemm(g, abort);
}

void GradientPass::norm_backward(const float* x, const float* dy, size_t dy_ld, const float* gamma,
                                 const std::atomic<bool>* abort) {
  const LayerNormBackward norm{x, dy, dy_ld, shape_.embedding, gamma, gradient_.data()};
  parallel(pool_, ceil_div(shape_.tokens, kRowsOfTask), abort, [&](size_t task, unsigned) {
    kernels_.layer_norm_backward(norm, task * kRowsOfTask, std::min(shape_.tokens, (task + 1) * kRowsOfTask));
  });
}

void GradientPass::attention_backward(const ChunkInput& chunk, const RopeTables& rope,
                                      const std::atomic<bool>* abort) {
  AttentionBackward a;
  a.shape = {shape_.tokens, shape_.heads, shape_.head_width(), Precision::kF32};
  a.qkv = qkv_.data();
  a.cosines = rope.cosines.data();
  a.sines = rope.sines.data();
  a.pad_row = std::min(chunk.length, shape_.tokens - 1);
  a.context = slopes_.data();
  a.gradient = qkv_slopes_.data();
  parallel(pool_, shape_.heads, abort, [&](size_t head, unsigned thread) {
    kernels_.attention_backward(a, head, kTilesOfTask, head_scratch_.data() + thread * head_floats_);
  });
}

void GradientPass::layer_backward(const LayerWeights& layer, const float* input, const ChunkInput& chunk,
                                  const RopeTables& rope, const std::atomic<bool>* abort) {
  const size_t t = shape_.tokens;
  const size_t e = shape_.embedding;
  const size_t h = shape_.hidden;
  // Again from the input: q, k, v, the stream between the blocks and the hidden layer before its GELU.
  std::memcpy(x_.data(), input, t * e * sizeof(float));
  attention_block(layer, chunk, rope, abort, nullptr);
  layer_norm(layer.norm2_gamma, layer.norm2_beta, abort);
  Gemm inner;
  inner.a = normed_.data();
  inner.b = layer.inner;
  inner.n = h;
  inner.k = e;
  inner.bias = layer.inner_bias;
  inner.c = inner_.data();
  inner.ldc = h;
  gemm(inner, abort);

  multiply_transposed(gradient_.data(), e, layer.outer, h, inner_slopes_.data(), abort);
  parallel(pool_, ceil_div(t, kRowsOfTask), abort, [&](size_t task, unsigned) {
    const size_t first = task * kRowsOfTask;
    const size_t rows = std::min(t, first + kRowsOfTask) - first;
    kernels_.gelu_backward(inner_.data() + first * h, rows * h, inner_slopes_.data() + first * h);
  });
  multiply_transposed(inner_slopes_.data(), h, layer.inner, e, product_.data(), abort);
  norm_backward(x_.data(), product_.data(), e, layer.norm2_gamma, abort);

  multiply_transposed(gradient_.data(), e, layer.output, e, slopes_.data(), abort);
  attention_backward(chunk, rope, abort);
  multiply_transposed(qkv_slopes_.data(), 3 * e, layer.qkv, e, product_.data(), abort);
  norm_backward(input, product_.data(), e, layer.norm1_gamma, abort);
}

void GradientPass::bytes_backward(const PackedWeights& weights, size_t length, const std::atomic<bool>* abort,
                                  float* out) {
  const size_t e = shape_.embedding;
  // A packed B whose columns are rows of the table.
  for (size_t byte = 0; byte < kByteValues; ++byte) {
    float* to = bytes_.data() + byte / kPanel * kPanel * e + byte % kPanel;
    for (size_t i = 0; i < e; ++i) to[i * kPanel] = weights.embedding[byte * e + i];
  }
  Gemm g;
  g.b = bytes_.data();
  g.m = length;
  g.n = kByteValues;
  g.k = e;
  g.epilogue = Epilogue::kAdd;
  g.c = out;
  g.ldc = kByteValues;
  pack_f32(gradient_.data(), e, length, e, abort);
  product_f32(g, abort);
}

void GradientPass::pack_f32(const float* from, size_t ld, size_t rows, size_t k, const std::atomic<bool>* abort) {
  const RowTiles tiles(rows, kernels_.tile_rows_f32);
  parallel(pool_, ceil_div(tiles.count, kTilesOfTask), abort, [&](size_t task, unsigned) {
    kernels_.pack_a(from, ld, rows, k, task * kTilesOfTask, std::min(tiles.count, (task + 1) * kTilesOfTask),
                    Precision::kF32, packed_.data());
  });
}

void GradientPass::product_f32(Gemm& g, const std::atomic<bool>* abort) {
  const RowTiles tiles(g.m, kernels_.tile_rows_f32);
  g.a = packed_.data();
  parallel(pool_, ceil_div(tiles.count, kTilesOfTask), abort, [&](size_t task, unsigned thread) {
    kernels_.gemm_f32(g, task * kTilesOfTask, std::min(tiles.count, (task + 1) * kTilesOfTask), 0,
                      ceil_div(g.n, kPanel), scratch_.data() + thread * scratch_floats_);
  });
}

bool GradientPass::encode(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
                          const std::atomic<bool>* abort) {
  const size_t row = shape_.tokens * shape_.embedding;
  for (size_t l = 0; l < weights.layers.size(); ++l) {
    if (stopped(abort)) return false;
    std::memcpy(inputs_.data() + l * row, x_.data(), row * sizeof(float));
    attention_block(weights.layers[l], chunk, rope, abort, nullptr);
    feed_forward_block(weights.layers[l], abort, nullptr);
  }
  return !stopped(abort);
}

bool GradientPass::encode_backward(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
                                   const std::atomic<bool>* abort) {
  const size_t row = shape_.tokens * shape_.embedding;
  for (size_t l = weights.layers.size(); l-- > 0;) {
    if (stopped(abort)) return false;
    layer_backward(weights.layers[l], inputs_.data() + l * row, chunk, rope, abort);
  }
  return !stopped(abort);
}

bool GradientPass::run(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
                       const float* direction, const std::atomic<bool>* abort, float* out) {
  embed(weights, chunk);
  if (!encode(weights, chunk, rope, abort)) return false;
  std::memset(gradient_.data(), 0, shape_.tokens * shape_.embedding * sizeof(float));
  norm_backward(x_.data(), direction, 0, weights.final_gamma, abort);
  if (!encode_backward(weights, chunk, rope, abort)) return false;
  bytes_backward(weights, chunk.length, abort, out);
  return !stopped(abort);
}

}  // namespace quarry
