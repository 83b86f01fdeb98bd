#pragma once
// Kernels in one call over plain row-major f32 arrays, for the binding, tests and fuzz targets. The forward pass calls them
// block by block on what it has packed itself.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/kernels.h"

namespace quarry {

/// C [m, n] = A [m, k] x B [k, n], with A and B packed into two `Bytes` (AlignedBuffer or vector of char), no longer than the
/// contract asks for.
template <typename Bytes>
class WholeGemm {
 public:
  WholeGemm(const Kernels& kernels, Precision precision, size_t m, size_t n, size_t k, const float* a, const float* b,
            float* c)
      : tiles(m, kernels.tile_rows(precision)),
        panels(round_up(n, kPanel) / kPanel),
        kernels_(kernels),
        a_(a),
        b_(b),
        packed_a_(m * stored_k(k, precision) * element_bytes(precision)),
        packed_b_(packed_b_bytes(k, n, precision)) {
    std::memset(packed_b_.data(), 0, packed_b_.size());
    kernels.pack_a(a, k, m, k, 0, tiles.count, precision, packed_a_.data());
    kernels.pack_b(b, n, 0, k, n, 0, k, precision, packed_b_.data());
    gemm_.precision = precision;
    gemm_.a = packed_a_.data();
    gemm_.b = packed_b_.data();
    gemm_.m = m;
    gemm_.n = n;
    gemm_.k = k;
    gemm_.c = c;
    gemm_.ldc = n;
  }
  // `gemm_` points into the packed matrices.
  WholeGemm(const WholeGemm&) = delete;

  /// Scratch memory for blocks of this many tiles and panels, floats.
  size_t scratch_floats(size_t tile_count, size_t panel_count) const {
    return kernels_.gemm_scratch(gemm_.precision, tile_count, panel_count, gemm_.k) + 1;
  }

  void run(size_t tile_begin, size_t tile_end, size_t panel_begin, size_t panel_end, float* scratch) const {
    kernels_.gemm(gemm_.precision)(gemm_, tile_begin, tile_end, panel_begin, panel_end, scratch);
  }

  /// |error| / sum |a||b| of the computed C[i, j], against f64 on the inputs as rounded to the precision; infinite where
  /// that is not a number, which std::max would drop.
  double error(size_t i, size_t j) const {
    double exact = 0;
    double size = 1e-30;
    for (size_t p = 0; p < gemm_.k; ++p) {
      const double term = static_cast<double>(rounded(a_[i * gemm_.k + p])) * rounded(b_[p * gemm_.n + j]);
      exact += term;
      size += std::fabs(term);
    }
    const double relative = std::fabs(gemm_.c[i * gemm_.n + j] - exact) / size;
    return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
  }

  const RowTiles tiles;
  const size_t panels;

 private:
  float rounded(float x) const {
    if (gemm_.precision == Precision::kF32) return x;
    uint16_t half;
    kernels_.to_bf16(&x, 1, &half);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    std::memcpy(&x, &bits, 4);
    return x;
  }

  const Kernels& kernels_;
  const float* a_;
  const float* b_;
  Bytes packed_a_;
  Bytes packed_b_;
  Gemm gemm_;
};

/// y = LayerNorm of x, both [rows, width]. Returns the largest mean^2 + var.
inline float layer_norm_rows(const Kernels& kernels, const float* x, size_t rows, size_t width, const float* gamma,
                             const float* beta, float* y) {
  const LayerNorm norm{x, rows, width, gamma, beta, Precision::kF32, nullptr, y};
  return kernels.layer_norm(norm, 0, RowTiles(rows, kernels.tile_rows_f32).count, nullptr);
}

}  // namespace quarry
