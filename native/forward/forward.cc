#include "forward/forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "forward/parallel.h"

namespace quarry {

namespace {
constexpr uint32_t kPad = 256;
constexpr uint32_t kEos = 257;

// A task of a product is a block of about 10 tiles by 16 panels: its part of A stays in the L2 cache, a panel of B is
// read from memory once for all blocks, and there are enough tasks to even out two threads.
constexpr size_t kBlockTiles = 10;
constexpr size_t kBlockPanels = 16;
constexpr size_t kNormTiles = 2;
constexpr size_t kAttentionTiles = 4;
constexpr size_t kFinalTiles = 4;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

// The larger, NaN once there is one.
float worse(float a, float b) { return a != a || a > b ? a : b; }

uint32_t token_at(const ChunkInput& chunk, size_t i) {
  if (i < chunk.length) return chunk.bytes[i];
  return i == chunk.length ? kEos : kPad;
}
}  // namespace

Forward::Forward(const ModelShape& shape, Precision precision, const Kernels& kernels, ThreadPool* pool)
    : shape_(shape),
      precision_(precision),
      kernels_(kernels),
      pool_(pool),
      threads_(pool == nullptr ? 1 : pool->threads()),
      tiles_(shape.tokens, kernels.tile_rows(precision)) {
  const size_t t = shape.tokens;
  const size_t e = shape.embedding;
  const size_t tile_rows = kernels.tile_rows(precision);
  const size_t bytes = element_bytes(precision);
  x_.resize(t * e);
  qkv_.resize(t * 3 * e);
  normed_.resize(t * stored_k(e, precision) * bytes + 64);
  context_.resize(t * stored_k(e, precision) * bytes + 64);
  hidden_.resize(t * stored_k(shape.hidden, precision) * bytes + 64);
  head_bytes_ = round_up(packed_head_bytes(t, shape.head_width(), precision), 64);
  heads_.resize(3 * shape.heads * head_bytes_);
  // Padding of packed keys and values is never written again.
  std::memset(heads_.data(), 0, heads_.size());

  const AttentionShape attention{t, shape.heads, shape.head_width(), precision};
  const size_t widest = std::max(3 * e, shape.hidden);
  const size_t final_rows = kFinalTiles * kernels.tile_rows_f32;
  scratch_floats_ = std::max({
      kernels.gemm_scratch(precision, kBlockTiles, kBlockPanels, widest),
      kernels.attention_scratch(attention, kAttentionTiles),
      tile_rows * e,
      std::max(tile_rows, kPanel) * shape.head_width(),
      final_rows * (round_up(shape.vocabulary, kPanel) + kSigRegSlices) +
          kernels.gemm_scratch_f32(kFinalTiles, ceil_div(std::max(shape.vocabulary, kSigRegSlices), kPanel), e),
  });
  scratch_floats_ = round_up(scratch_floats_ + 64, 16);
  scratch_.resize(scratch_floats_ * threads_);
}

void Forward::gemm(Gemm& g, const std::atomic<bool>* abort) {
  g.precision = precision_;
  g.m = shape_.tokens;
  const size_t panels = ceil_div(g.n, kPanel);
  const size_t row_blocks = ceil_div(tiles_.count, kBlockTiles);
  const size_t column_blocks = ceil_div(panels, kBlockPanels);
  const GemmBlock block = kernels_.gemm(precision_);
  // Row blocks innermost: the panels of a column block are used by all of them while they are in the cache.
  parallel(pool_, row_blocks * column_blocks, abort, [&](size_t task, unsigned thread) {
    const size_t rows = task % row_blocks;
    const size_t columns = task / row_blocks;
    block(g, rows * tiles_.count / row_blocks, (rows + 1) * tiles_.count / row_blocks, columns * kBlockPanels,
          std::min(panels, (columns + 1) * kBlockPanels), scratch_.data() + thread * scratch_floats_);
  });
}

void Forward::layer_norm(const float* gamma, const float* beta, const std::atomic<bool>* abort) {
  LayerNorm norm;
  norm.x = x_.data();
  norm.rows = shape_.tokens;
  norm.width = shape_.embedding;
  norm.gamma = gamma;
  norm.beta = beta;
  norm.precision = precision_;
  norm.packed = normed_.data();
  const size_t tasks = ceil_div(tiles_.count, kNormTiles);
  extremes_.assign(tasks, 0);
  parallel(pool_, tasks, abort, [&](size_t task, unsigned thread) {
    extremes_[task] =
        kernels_.layer_norm(norm, task * kNormTiles, std::min(tiles_.count, (task + 1) * kNormTiles),
                            scratch_.data() + thread * scratch_floats_);
  });
}

void Forward::attention(const ChunkInput& chunk, const RopeTables& rope, const std::atomic<bool>* abort) {
  const AttentionShape shape{shape_.tokens, shape_.heads, shape_.head_width(), precision_};
  const auto head_memory = [&](size_t head, size_t part) { return heads_.data() + (head * 3 + part) * head_bytes_; };
  parallel(pool_, shape_.heads, abort, [&](size_t head, unsigned thread) {
    HeadPack pack;
    pack.shape = shape;
    pack.qkv = qkv_.data();
    pack.cosines = rope.cosines.data();
    pack.sines = rope.sines.data();
    pack.pad_row = std::min(chunk.length, shape_.tokens - 1);
    pack.scratch = scratch_.data() + thread * scratch_floats_;
    pack.q = head_memory(head, 0);
    pack.k = head_memory(head, 1);
    pack.v = head_memory(head, 2);
    kernels_.pack_head(pack, head);
  });
  const size_t runs = ceil_div(tiles_.count, kAttentionTiles);
  extremes_.assign(runs * shape_.heads, 0);
  parallel(pool_, runs * shape_.heads, abort, [&](size_t task, unsigned thread) {
    const size_t head = task / runs;
    const size_t run = runs - 1 - task % runs;  // the longest runs of a head first
    Attention a;
    a.shape = shape;
    a.q = head_memory(head, 0);
    a.k = head_memory(head, 1);
    a.v = head_memory(head, 2);
    a.qkv = qkv_.data();
    a.context = context_.data();
    extremes_[task] = kernels_.attention(a, head, run * kAttentionTiles,
                                         std::min(tiles_.count, (run + 1) * kAttentionTiles),
                                         scratch_.data() + thread * scratch_floats_);
  });
}

void Forward::lm_head(const PackedWeights& weights, const ChunkInput& chunk, const NoiseMatrix& noise,
                            const std::atomic<bool>* abort, ChunkSums* out) {
  const size_t t = shape_.tokens;
  const size_t e = shape_.embedding;
  const size_t v = shape_.vocabulary;
  const RowTiles tiles(t, kernels_.tile_rows_f32);
  const size_t tasks = ceil_div(tiles.count, kFinalTiles);
  // Positions with a target that is not PAD: all but the last of a full chunk, one per byte of a short one.
  const size_t counted = chunk.length == t ? t - 1 : chunk.length;
  const size_t ldv = round_up(v, kPanel);
  std::vector<ChunkSums> parts(tasks);
  for (ChunkSums& part : parts) part.embedding.assign(e, 0.0);

  LayerNorm norm;
  norm.x = x_.data();
  norm.rows = t;
  norm.width = e;
  norm.gamma = weights.final_gamma;
  norm.beta = weights.final_beta;
  norm.precision = Precision::kF32;
  norm.y = qkv_.data();
  norm.packed = qkv_.data() + t * e;

  parallel(pool_, tasks, abort, [&](size_t task, unsigned thread) {
    ChunkSums& part = parts[task];
    const size_t tile_begin = task * kFinalTiles;
    const size_t tile_end = std::min(tiles.count, tile_begin + kFinalTiles);
    const size_t first = tiles.start(tile_begin);
    const size_t end = tiles.start(tile_end);
    float* logits = scratch_.data() + thread * scratch_floats_;
    float* projections = logits + kFinalTiles * kernels_.tile_rows_f32 * ldv;
    float* space = projections + kFinalTiles * kernels_.tile_rows_f32 * kSigRegSlices;
    part.activation = kernels_.layer_norm(norm, tile_begin, tile_end, nullptr);
    for (size_t row = first; row < end; ++row) kernels_.accumulate(norm.y + row * e, e, part.embedding.data());

    Gemm g;
    g.a = norm.packed;
    g.m = t;
    g.k = e;
    g.c_row0 = first;
    if (first < counted) {
      g.b = weights.predictor;
      g.n = v;
      g.bias = weights.predictor_bias;
      g.c = logits;
      g.ldc = ldv;
      size_t needed = tile_end;
      while (needed > tile_begin + 1 && tiles.start(needed - 1) >= counted) --needed;
      kernels_.gemm_f32(g, tile_begin, needed, 0, ceil_div(v, kPanel), space);
      for (size_t row = first; row < std::min(end, counted); ++row) {
        part.negative_log_likelihood +=
            kernels_.cross_entropy(logits + (row - first) * ldv, v, token_at(chunk, row + 1));
      }
    }
    g.b = noise.data();
    g.n = kSigRegSlices;
    g.bias = nullptr;
    g.c = projections;
    g.ldc = kSigRegSlices;
    kernels_.gemm_f32(g, tile_begin, tile_end, 0, kSigRegSlices / kPanel, space);
    for (size_t row = first; row < end; ++row) {
      part.sig_reg += kernels_.sig_reg(projections + (row - first) * kSigRegSlices, kSigRegSlices);
    }
  });

  // In task order, so that the sums do not depend on which thread did what.
  out->negative_log_likelihood = 0;
  out->sig_reg = 0;
  out->embedding.assign(e, 0.0);
  for (const ChunkSums& part : parts) {
    out->negative_log_likelihood += part.negative_log_likelihood;
    out->sig_reg += part.sig_reg;
    out->activation = worse(out->activation, part.activation);
    for (size_t i = 0; i < e; ++i) out->embedding[i] += part.embedding[i];
  }
}

void Forward::embed(const PackedWeights& weights, const ChunkInput& chunk) {
  const size_t e = shape_.embedding;
  for (size_t i = 0; i < shape_.tokens; ++i) {
    std::memcpy(x_.data() + i * e, weights.embedding + token_at(chunk, i) * e, e * sizeof(float));
  }
}

void Forward::attention_block(const LayerWeights& layer, const ChunkInput& chunk, const RopeTables& rope,
                              const std::atomic<bool>* abort, ChunkSums* sums) {
  const size_t e = shape_.embedding;
  layer_norm(layer.norm1_gamma, layer.norm1_beta, abort);
  if (sums != nullptr) {
    for (const float size : extremes_) sums->activation = worse(sums->activation, size);
  }
  Gemm qkv;
  qkv.a = normed_.data();
  qkv.b = layer.qkv;
  qkv.n = 3 * e;
  qkv.k = e;
  qkv.bias = layer.qkv_bias;
  qkv.c = qkv_.data();
  qkv.ldc = 3 * e;
  gemm(qkv, abort);

  attention(chunk, rope, abort);
  if (sums != nullptr) {
    for (const float size : extremes_) sums->attention = worse(sums->attention, size);
  }
  Gemm output;
  output.a = context_.data();
  output.b = layer.output;
  output.n = e;
  output.k = e;
  output.epilogue = Epilogue::kAdd;
  output.bias = layer.output_bias;
  output.c = x_.data();
  output.ldc = e;
  gemm(output, abort);
}

void Forward::feed_forward_block(const LayerWeights& layer, const std::atomic<bool>* abort, ChunkSums* sums) {
  const size_t e = shape_.embedding;
  layer_norm(layer.norm2_gamma, layer.norm2_beta, abort);
  if (sums != nullptr) {
    for (const float size : extremes_) sums->activation = worse(sums->activation, size);
  }
  Gemm inner;
  inner.a = normed_.data();
  inner.b = layer.inner;
  inner.n = shape_.hidden;
  inner.k = e;
  inner.epilogue = Epilogue::kGeluPack;
  inner.bias = layer.inner_bias;
  inner.packed = hidden_.data();
  inner.packed_k = shape_.hidden;
  gemm(inner, abort);

  Gemm outer;
  outer.a = hidden_.data();
  outer.b = layer.outer;
  outer.n = e;
  outer.k = shape_.hidden;
  outer.epilogue = Epilogue::kAdd;
  outer.bias = layer.outer_bias;
  outer.c = x_.data();
  outer.ldc = e;
  gemm(outer, abort);
}

bool Forward::run(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
                  const NoiseMatrix& noise, const std::atomic<bool>* abort, ChunkSums* out) {
  const auto stopped = [&] { return abort != nullptr && abort->load(std::memory_order_relaxed); };
  out->activation = 0;
  out->attention = 0;
  embed(weights, chunk);
  for (const LayerWeights& layer : weights.layers) {
    if (stopped()) return false;
    attention_block(layer, chunk, rope, abort, out);
    if (stopped()) return false;
    feed_forward_block(layer, abort, out);
  }
  if (stopped()) return false;
  lm_head(weights, chunk, noise, abort, out);
  return !stopped();
}

}  // namespace quarry
