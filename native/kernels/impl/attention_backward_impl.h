// Attention of backward.h for one level. Scores are computed again, a run of queries at a time, so a head never holds
// more than four matrices [run, T].
#pragma once
#include "kernels/backward.h"
#include "kernels/impl/attention_impl.h"

namespace quarry {
namespace {

/// Where a head's pieces lie in its scratch; all f32.
struct HeadBuffers {
  float *q, *k;                          // [T, D], rotated
  float *packed_q, *packed_context;      // A [T, D]
  float *keys, *values;                  // B [D, T]
  float* key_rows;                       // B [T, D]
  float *run_q, *run_context;            // B [run, D]
  float *weights, *slopes;               // [run, T]: P, and dP that becomes dS
  float *packed_slopes, *packed_turned;  // A [run, T], A [T, run]
  float* gemm;
  size_t floats = 0;                     // of all but the last

  HeadBuffers(const AttentionShape& shape, size_t tiles, float* scratch) {
    const size_t keys_stored = round_up(shape.tokens, kPanel);
    const size_t wide = round_up(shape.head_width, kPanel);
    const size_t head = round_up(shape.tokens * shape.head_width, 16);
    const size_t run = round_up(tiles * kTileRows, 16);
    const auto take = [&](size_t count) {
      float* at = scratch == nullptr ? nullptr : scratch + floats;
      floats += round_up(count, 16);
      return at;
    };
    q = take(head);
    k = take(head);
    packed_q = take(head);
    packed_context = take(head);
    keys = take(keys_stored * shape.head_width);
    values = take(keys_stored * shape.head_width);
    key_rows = take(shape.tokens * wide);
    run_q = take(run * wide);
    run_context = take(run * wide);
    weights = take(run * keys_stored);
    slopes = take(run * keys_stored);
    packed_slopes = take(run * keys_stored);
    packed_turned = take(run * keys_stored);
    gemm = take(0);
  }
};

inline size_t attention_backward_scratch(const AttentionShape& shape, size_t tiles) {
  const HeadBuffers buffers(shape, tiles, nullptr);
  const size_t panels = round_up(shape.tokens, kPanel) / kPanel;
  const size_t width_panels = round_up(shape.head_width, kPanel) / kPanel;
  const size_t most[] = {
      gemm_scratch<Precision::kF32>(tiles, panels, shape.head_width),
      gemm_scratch<Precision::kF32>(tiles, width_panels, panels * kPanel),
      gemm_scratch<Precision::kF32>(RowTiles(shape.tokens, kTileRows).count, width_panels, tiles * kTileRows),
  };
  size_t gemm = 0;
  for (const size_t each : most) gemm = each > gemm ? each : gemm;
  return buffers.floats + gemm + 16;
}

// A packed B whose columns are rows of `x` [tokens, width].
inline void pack_columns(const float* x, size_t ld, size_t tokens, size_t width, float* packed) {
  for (size_t row = 0; row < tokens; row += kPanel) {
    const size_t rows = tokens - row < kPanel ? tokens - row : kPanel;
    float* to = packed + row * width;
    for (size_t j = 0; j < width; ++j) {
      for (size_t r = 0; r < rows; ++r) to[j * kPanel + r] = x[(row + r) * ld + j];
      for (size_t r = rows; r < kPanel; ++r) to[j * kPanel + r] = 0;
    }
  }
}

// A packed A [count, rows] whose columns are the rows of `x` [rows, ld].
inline void pack_turned(const float* x, size_t ld, size_t rows, size_t count, float* packed) {
  const RowTiles tiles(count, kTileRows);
  for (size_t tile = 0; tile < tiles.count; ++tile) {
    const size_t first = tiles.start(tile);
    const size_t height = tiles.height(tile);
    float* to = packed + first * rows;
    for (size_t r = 0; r < rows; ++r) std::memcpy(to + r * height, x + r * ld + first, height * sizeof(float));
  }
}

// weights [rows, keys]: scores become weights; slopes: dP becomes dS, the scale of the scores with it.
inline void score_slopes(float* weights, float* slopes, size_t keys, size_t valid, float scale) {
  const size_t stored = round_up(valid, W);
  float maximum;
  float total;
  softmax_row(weights, valid, stored, scale, false, &maximum, &total);
  const vf inverse = splat(1.0f / total);
  vf products = {};
  for (size_t j = valid; j < stored; ++j) slopes[j] = 0;
  for (size_t j = 0; j < stored; j += W) {
    const vf p = load(weights + j) * inverse;
    store(weights + j, p);
    products += p * load(slopes + j);
  }
  const vf mean = splat(sum(products));
  for (size_t j = 0; j < stored; j += W) store(slopes + j, load(weights + j) * (load(slopes + j) - mean) * scale);
  for (size_t j = stored; j < keys; ++j) weights[j] = slopes[j] = 0;
}

inline void unrotate_row(float* x, size_t width, const float* cosines, const float* sines) {
  const size_t half = width / 2;
  for (size_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    x[i] = a * cosines[i] + b * sines[i];
    x[half + i] = b * cosines[i] - a * sines[i];
  }
}

inline void attention_backward_run(const AttentionBackward& a, const HeadBuffers& to, size_t head, size_t tile_begin,
                                   size_t tile_end) {
  const size_t tokens = a.shape.tokens;
  const size_t width = a.shape.head_width;
  const size_t embedding = a.shape.heads * width;
  const RowTiles tiles(tokens, kTileRows);
  const size_t first = tiles.start(tile_begin);
  const size_t rows = tiles.start(tile_end) - first;
  const size_t valid = first + rows;
  const size_t panels = round_up(valid, kPanel) / kPanel;
  const size_t keys = panels * kPanel;
  const size_t width_panels = round_up(width, kPanel) / kPanel;

  Gemm product;
  product.m = tokens;
  product.n = keys;
  product.k = width;
  product.c_row0 = first;
  product.ldc = keys;
  product.a = to.packed_q;
  product.b = to.keys;
  product.c = to.weights;
  gemm_block<Precision::kF32>(product, tile_begin, tile_end, 0, panels, to.gemm);
  product.a = to.packed_context;
  product.b = to.values;
  product.c = to.slopes;
  gemm_block<Precision::kF32>(product, tile_begin, tile_end, 0, panels, to.gemm);

  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(width));
  for (size_t r = 0; r < rows; ++r) {
    score_slopes(to.weights + r * keys, to.slopes + r * keys, keys, first + r + 1, scale);
  }

  // dq = dS k
  for (size_t tile = tile_begin; tile < tile_end; ++tile) {
    const size_t row = tiles.start(tile) - first;
    pack_tile(to.slopes + row * keys, keys, tiles.height(tile), 0, keys, Precision::kF32, to.packed_slopes + row * keys);
  }
  Gemm query;
  query.m = tokens;
  query.n = width;
  query.a = to.packed_slopes;
  query.a_row0 = first;
  query.a_k = keys;
  query.b = to.key_rows;
  query.b_k = tokens;
  query.k = keys < tokens ? keys : tokens;
  query.c = a.gradient + head * width;
  query.ldc = 3 * embedding;
  gemm_block<Precision::kF32>(query, tile_begin, tile_end, 0, width_panels, to.gemm);

  // dk += dS^T q ; dv += P^T dC
  const size_t key_tiles = RowTiles(valid, kTileRows).count;
  Gemm turned;
  turned.m = valid;
  turned.n = width;
  turned.k = rows;
  turned.a = to.packed_turned;
  turned.epilogue = Epilogue::kAdd;
  turned.ldc = 3 * embedding;
  pack_turned(to.slopes, keys, rows, valid, to.packed_turned);
  pack_b(to.q + first * width, width, 0, rows, width, 0, rows, Precision::kF32, to.run_q);
  turned.b = to.run_q;
  turned.c = a.gradient + embedding + head * width;
  gemm_block<Precision::kF32>(turned, 0, key_tiles, 0, width_panels, to.gemm);
  pack_turned(to.weights, keys, rows, valid, to.packed_turned);
  pack_b(a.context + first * embedding + head * width, embedding, 0, rows, width, 0, rows, Precision::kF32,
         to.run_context);
  turned.b = to.run_context;
  turned.c = a.gradient + 2 * embedding + head * width;
  gemm_block<Precision::kF32>(turned, 0, key_tiles, 0, width_panels, to.gemm);
}

inline void attention_backward_head(const AttentionBackward& a, size_t head, size_t tiles_of_run, float* scratch) {
  const size_t tokens = a.shape.tokens;
  const size_t width = a.shape.head_width;
  const size_t half = width / 2;
  const size_t embedding = a.shape.heads * width;
  const size_t ld = 3 * embedding;
  const HeadBuffers to(a.shape, tiles_of_run, scratch);
  const RowTiles tiles(tokens, kTileRows);
  const auto angle = [&](size_t token) { return (token < a.pad_row ? token : a.pad_row) * half; };
  for (size_t t = 0; t < tokens; ++t) {
    const float* row = a.qkv + t * ld + head * width;
    rope_row(row, width, a.cosines + angle(t), a.sines + angle(t), to.q + t * width);
    rope_row(row + embedding, width, a.cosines + angle(t), a.sines + angle(t), to.k + t * width);
    float* gradient = a.gradient + t * ld + head * width;
    for (size_t part = 0; part < 3; ++part) std::memset(gradient + part * embedding, 0, width * sizeof(float));
  }
  pack_a(to.q, width, tokens, width, 0, tiles.count, Precision::kF32, to.packed_q);
  pack_a(a.context + head * width, embedding, tokens, width, 0, tiles.count, Precision::kF32, to.packed_context);
  pack_columns(to.k, width, tokens, width, to.keys);
  pack_columns(a.qkv + 2 * embedding + head * width, ld, tokens, width, to.values);
  pack_b(to.k, width, 0, tokens, width, 0, tokens, Precision::kF32, to.key_rows);
  for (size_t tile = 0; tile < tiles.count; tile += tiles_of_run) {
    attention_backward_run(a, to, head, tile, tile + tiles_of_run < tiles.count ? tile + tiles_of_run : tiles.count);
  }
  for (size_t t = 0; t < tokens; ++t) {
    float* gradient = a.gradient + t * ld + head * width;
    unrotate_row(gradient, width, a.cosines + angle(t), a.sines + angle(t));
    unrotate_row(gradient + embedding, width, a.cosines + angle(t), a.sines + angle(t));
  }
}

}  // namespace
}  // namespace quarry
