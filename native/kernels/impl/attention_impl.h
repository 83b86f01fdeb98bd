// attention.h for one level.
#pragma once
#include "kernels/attention.h"
#include "kernels/impl/gemm_impl.h"

namespace quarry {
namespace {

inline void rope_row(const float* x, size_t width, const float* cosines, const float* sines, float* out) {
  const size_t half = width / 2;
  size_t i = 0;
  for (; i + W <= half; i += W) {
    const vf a = load(x + i);
    const vf b = load(x + half + i);
    const vf c = load(cosines + i);
    const vf s = load(sines + i);
    store(out + i, a * c - b * s);
    store(out + half + i, b * c + a * s);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    out[i] = a * cosines[i] - b * sines[i];
    out[half + i] = b * cosines[i] + a * sines[i];
  }
}

inline void pack_head(const HeadPack& p, size_t head) {
  const size_t tokens = p.shape.tokens;
  const size_t width = p.shape.head_width;
  const size_t embedding = p.shape.heads * width;
  const size_t half = width / 2;
  const size_t ld = 3 * embedding;
  const Precision precision = p.shape.precision;
  const size_t stored = stored_k(width, precision);
  const auto angle_row = [&](size_t token) { return (token < p.pad_row ? token : p.pad_row) * half; };

  const float* q = p.qkv + head * width;
  const RowTiles tiles(tokens, kTileRows);
  for (size_t tile = 0; tile < tiles.count; ++tile) {
    const size_t row = tiles.start(tile);
    const size_t rows = tiles.height(tile);
    for (size_t r = 0; r < rows; ++r) {
      const size_t angle = angle_row(row + r);
      rope_row(q + (row + r) * ld, width, p.cosines + angle, p.sines + angle, p.scratch + r * width);
    }
    pack_tile(p.scratch, width, rows, 0, width, precision,
              static_cast<char*>(p.q) + row * stored * element_bytes(precision));
  }

  // A packed B whose columns are the keys has the layout of a packed A whose tiles are 32 keys tall.
  const float* k = p.qkv + embedding + head * width;
  for (size_t row = 0; row < tokens; row += kPanel) {
    const size_t rows = tokens - row < kPanel ? tokens - row : kPanel;
    for (size_t r = 0; r < rows; ++r) {
      const size_t angle = angle_row(row + r);
      rope_row(k + (row + r) * ld, width, p.cosines + angle, p.sines + angle, p.scratch + r * width);
    }
    if (precision == Precision::kF32) {
      float* to = static_cast<float*>(p.k) + row * stored;
      for (size_t j = 0; j < width; ++j) {
        for (size_t r = 0; r < rows; ++r) to[j * kPanel + r] = p.scratch[r * width + j];
        for (size_t r = rows; r < kPanel; ++r) to[j * kPanel + r] = 0;
      }
    } else {
      uint32_t* to = static_cast<uint32_t*>(p.k) + row * stored / 2;
      for (size_t j = 0; j < width; j += 2) {
        for (size_t r = 0; r < rows; ++r) {
          const float* pair = p.scratch + r * width + j;
          to[j / 2 * kPanel + r] = bf16_of(pair[0]) | static_cast<uint32_t>(bf16_of(pair[1])) << 16;
        }
        for (size_t r = rows; r < kPanel; ++r) to[j / 2 * kPanel + r] = 0;
      }
    }
  }

  pack_b(p.qkv + 2 * embedding + head * width, ld, 0, tokens, width, 0, tokens, precision, p.v);
}

constexpr float kMaskedScore = -1.0e4f;     // the protocol's mask fill
constexpr float kMaskMatters = -9896.0f;    // kMaskedScore + 104: e^-104 is the smallest f32

inline size_t attention_scratch(const AttentionShape& shape, size_t tiles) {
  const size_t rows = tiles * kTileRows;
  const size_t keys = round_up(shape.tokens, kPanel);
  const size_t width_panels = round_up(shape.head_width, kPanel) / kPanel;
  const size_t scores_gemm = gemm_scratch<Precision::kF32>(tiles, keys / kPanel, shape.head_width) +
                             gemm_scratch<Precision::kBf16>(tiles, keys / kPanel, shape.head_width);
  const size_t context_gemm = gemm_scratch<Precision::kF32>(tiles, width_panels, keys) +
                              gemm_scratch<Precision::kBf16>(tiles, width_panels, keys);
  const size_t gemm = scores_gemm > context_gemm ? scores_gemm : context_gemm;
  return 2 * rows * keys + round_up(rows, 16) * 2 + gemm;
}

// Exponentiates a row of scores against its maximum; [valid, stored) become zero. Returns the row's maximum, raised to
// the masked score where the masked entries matter; *total receives the sum without them.
inline float softmax_row(float* scores, size_t valid, size_t stored, float scale, bool later_tokens, float* maximum,
                         float* total) {
  for (size_t j = valid; j < stored; ++j) scores[j] = -INFINITY;
  vf top = splat(-INFINITY);
  vf poison = {};
  const vf factor = splat(scale);
  for (size_t j = 0; j < stored; j += W) {
    const vf s = load(scores + j) * factor;
    store(scores + j, s);
    top = vmax(s, top);
    poison += s != s ? s : vf{};
  }
  float largest = top[0];
  for (size_t i = 1; i < W; ++i) largest = top[i] > largest ? top[i] : largest;
  const float nan = sum(poison);
  *maximum = nan != nan ? nan : largest;
  const float against = later_tokens && largest < kMaskMatters && largest < kMaskedScore ? kMaskedScore : largest;
  vf all = {};
  const vf base = splat(nan != nan ? nan : against);
  for (size_t j = 0; j < stored; j += W) {
    const vf e = exp_nonpositive(load(scores + j) - base);
    store(scores + j, e);
    all += e;
  }
  for (size_t j = valid; j < stored; ++j) scores[j] = 0;
  *total = sum(all);
  return against;
}

inline float attention_block(const Attention& a, size_t head, size_t tile_begin, size_t tile_end, float* scratch) {
  const size_t tokens = a.shape.tokens;
  const size_t width = a.shape.head_width;
  const size_t embedding = a.shape.heads * width;
  const Precision precision = a.shape.precision;
  const RowTiles tiles(tokens, kTileRows);
  const size_t first = tiles.start(tile_begin);
  const size_t end = tiles.start(tile_end);
  const size_t panels = round_up(end, kPanel) / kPanel;
  const size_t keys = panels * kPanel;
  const size_t rows = end - first;
  float* scores = scratch;
  float* weights = scores + (tile_end - tile_begin) * kTileRows * round_up(tokens, kPanel);
  float* inverse = weights + (tile_end - tile_begin) * kTileRows * round_up(tokens, kPanel);
  float* masked = inverse + round_up((tile_end - tile_begin) * kTileRows, 16);
  float* gemm_space = masked + round_up((tile_end - tile_begin) * kTileRows, 16);
  const auto gemm = precision == Precision::kF32 ? gemm_block<Precision::kF32> : gemm_block<Precision::kBf16>;

  Gemm qk;
  qk.precision = precision;
  qk.a = a.q;
  qk.b = a.k;
  qk.m = tokens;
  qk.n = keys;
  qk.k = width;
  qk.c = scores;
  qk.c_row0 = first;
  qk.ldc = keys;
  gemm(qk, tile_begin, tile_end, 0, panels, gemm_space);

  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(width));
  float extreme = 0;
  bool any_masked = false;
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = first + r;
    const bool later = row + 1 < tokens;
    float maximum;
    float total;
    // Stops at the row's own end: the rest of the columns is zeroed for the product below.
    const size_t stored = round_up(row + 1, W);
    const float against = softmax_row(scores + r * keys, row + 1, stored, scale, later, &maximum, &total);
    for (size_t j = stored; j < keys; ++j) scores[r * keys + j] = 0;
    const float size = maximum < 0 ? -maximum : maximum;
    if (!(size <= extreme) && extreme == extreme) extreme = size;
    masked[r] = 0;
    if (later && maximum < kMaskMatters) {
      alignas(64) float lane[W];
      store(lane, exp_nonpositive(splat(kMaskedScore - against)));
      masked[r] = lane[0];
      total += lane[0] * static_cast<float>(tokens - 1 - row);
      any_masked = any_masked || lane[0] > 0;
    }
    inverse[r] = 1.0f / total;
  }
  for (size_t tile = tile_begin; tile < tile_end; ++tile) {
    const size_t row = tiles.start(tile) - first;
    pack_tile(scores + row * keys, keys, tiles.height(tile), 0, keys, precision,
              reinterpret_cast<char*>(weights) + row * keys * element_bytes(precision));
  }

  Gemm pv;
  pv.precision = precision;
  pv.a = weights;
  pv.a_row0 = first;
  pv.b = a.v;
  pv.m = tokens;
  pv.n = width;
  // Beyond the last token V has no rows; the weights there are zero and are not multiplied.
  pv.k = keys < tokens ? keys : tokens;
  pv.b_k = tokens;
  pv.epilogue = Epilogue::kScalePack;
  pv.packed = a.context;
  pv.packed_k = embedding;
  pv.pack_column = head * width;
  pv.row_scale = inverse;
  pv.c_row0 = first;
  // The packed weights are [keys] long; the product reads a prefix of them, so it is told A's own length.
  pv.a_k = keys;
  gemm(pv, tile_begin, tile_end, 0, round_up(width, kPanel) / kPanel, gemm_space);

  if (!any_masked) return extreme;
  const float* v = a.qkv + 2 * embedding + head * width;
  for (size_t tile = tile_begin; tile < tile_end; ++tile) {
    const size_t row0 = tiles.start(tile);
    const size_t height = tiles.height(tile);
    for (size_t r = 0; r < height; ++r) {
      const float share = masked[row0 + r - first] * inverse[row0 + r - first];
      if (!(share > 0)) continue;
      for (size_t d = 0; d < width; ++d) {
        float total = 0;
        for (size_t j = row0 + r + 1; j < tokens; ++j) total += v[j * 3 * embedding + d];
        const size_t column = head * width + d;
        if (precision == Precision::kF32) {
          float* tile_data = static_cast<float*>(a.context) + row0 * embedding;
          tile_data[column * height + r] += share * total;
        } else {
          uint16_t* at = static_cast<uint16_t*>(a.context) + row0 * stored_k(embedding, precision) +
                         (column / 2 * height + r) * 2 + column % 2;
          const uint32_t bits = static_cast<uint32_t>(*at) << 16;
          float before;
          std::memcpy(&before, &bits, 4);
          *at = bf16_of(before + share * total);
        }
      }
    }
  }
  return extreme;
}

}  // namespace
}  // namespace quarry
