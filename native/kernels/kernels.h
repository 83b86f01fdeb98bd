#pragma once
// The kernels of one instruction-set level, as a table of functions.
#include "core/cpu.h"
#include "kernels/attention.h"
#include "kernels/backward.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/layer_norm.h"
#include "kernels/loss.h"

namespace quarry {

struct Kernels {
  Isa isa;
  size_t tile_rows_f32;   ///< tallest tile of A
  size_t tile_rows_bf16;
  bool native_bf16;       ///< bf16 products run in hardware; otherwise they are f32 products of expanded inputs
  GemmScratch gemm_scratch_f32;
  GemmScratch gemm_scratch_bf16;
  GemmBlock gemm_f32;
  GemmBlock gemm_bf16;
  PackA pack_a;
  PackB pack_b;
  LayerNormBlock layer_norm;
  PackHead pack_head;
  AttentionScratch attention_scratch;
  AttentionBlock attention;
  CrossEntropyRow cross_entropy;
  SigRegRow sig_reg;
  GeluArray gelu;
  ToBf16Array to_bf16;
  AccumulateRow accumulate;
  GeluBackward gelu_backward;
  LayerNormBackwardRows layer_norm_backward;
  TransposeB transpose_b;
  AttentionBackwardScratch attention_backward_scratch;
  AttentionBackwardHead attention_backward;
  /// Repeats independent fused multiply-adds `count` times in each of the accumulators; returns FLOPs done. Measures the
  /// peak every ratio is taken against.
  double (*probe_fma_f32)(size_t count, float* sink);
  double (*probe_fma_bf16)(size_t count, float* sink);

  size_t tile_rows(Precision p) const { return p == Precision::kBf16 ? tile_rows_bf16 : tile_rows_f32; }
  GemmBlock gemm(Precision p) const { return p == Precision::kBf16 ? gemm_bf16 : gemm_f32; }
  size_t gemm_scratch(Precision p, size_t tiles, size_t panels, size_t k) const {
    return (p == Precision::kBf16 ? gemm_scratch_bf16 : gemm_scratch_f32)(tiles, panels, k);
  }
};

extern const Kernels kSerialKernels;
extern const Kernels kNeonKernels;
extern const Kernels kNeonBf16Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512Bf16Kernels;

/// The table of a usable level; serial for any other.
const Kernels& kernels_for(Isa isa);

}  // namespace quarry
