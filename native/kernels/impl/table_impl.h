// Assembles one level's table. The including file defines QUARRY_LANES, QUARRY_TILE_ROWS, QUARRY_TILE_VECS,
// QUARRY_K_SLICE_F32, QUARRY_K_SLICE_BF16, QUARRY_LEVEL and, where the hardware multiplies bf16, QUARRY_NATIVE_BF16 (dot
// products of AVX-512) or QUARRY_NATIVE_BFMMLA (matrix products of ARM).
#pragma once
#include "kernels/impl/attention_backward_impl.h"
#include "kernels/impl/attention_impl.h"
#include "kernels/impl/backward_impl.h"
#include "kernels/impl/gemm_impl.h"
#include "kernels/impl/rows_impl.h"
#include "kernels/kernels.h"

namespace quarry {
namespace {

constexpr size_t kProbeRows = kTileRows * kTileVecs < 12 ? kTileRows * kTileVecs : 12;

// Keeps a vector in its register and the compiler from seeing through it.
template <typename V>
QUARRY_INLINE void pin(V& v) {
#if defined(__x86_64__)
  asm volatile("" : "+v"(v));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(v));
#else
  asm volatile("" : "+m"(v));
#endif
}

double probe_fma_f32(size_t count, float* sink) {
  vf acc[kProbeRows];
  vf x = splat(sink[1]);
  pin(x);
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) acc[j] = splat(sink[0]);
  for (size_t i = 0; i < count; ++i) {
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) acc[j] += x * x;
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) pin(acc[j]);
  }
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) sink[0] += sum(acc[j]);
  return static_cast<double>(count) * kProbeRows * W * 2;
}

double probe_fma_bf16(size_t count, float* sink) {
#if defined(QUARRY_NATIVE_BF16)
  __m512 acc[kProbeRows];
  const __m512bh x = (__m512bh)_mm512_set1_epi32(0x30003000);
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) acc[j] = _mm512_set1_ps(sink[0]);
  for (size_t i = 0; i < count; ++i) {
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) acc[j] = _mm512_dpbf16_ps(acc[j], x, x);
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) pin(acc[j]);
  }
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) sink[0] += sum((vf)acc[j]);
  return static_cast<double>(count) * kProbeRows * W * 4;
#elif defined(QUARRY_NATIVE_BFMMLA)
  float32x4_t acc[kProbeRows];
  const bfloat16x8_t x = vreinterpretq_bf16_u16(vdupq_n_u16(0x3000));
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) acc[j] = vdupq_n_f32(sink[0]);
  for (size_t i = 0; i < count; ++i) {
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) acc[j] = vbfmmlaq_f32(acc[j], x, x);
    QUARRY_UNROLL
    for (size_t j = 0; j < kProbeRows; ++j) pin(acc[j]);
  }
  QUARRY_UNROLL
  for (size_t j = 0; j < kProbeRows; ++j) sink[0] += sum((vf)acc[j]);
  // Two rows by two columns of four products each.
  return static_cast<double>(count) * kProbeRows * 2 * 2 * 4 * 2;
#else
  return probe_fma_f32(count, sink);
#endif
}

#if defined(QUARRY_NATIVE_BF16) || defined(QUARRY_NATIVE_BFMMLA)
constexpr bool kNativeBf16 = true;
#else
constexpr bool kNativeBf16 = false;
#endif

constexpr Kernels make_table(Isa isa) {
  return Kernels{isa,
                 kTileRows,
                 kTileRows,
                 kNativeBf16,
                 gemm_scratch<Precision::kF32>,
                 gemm_scratch<Precision::kBf16>,
                 gemm_block<Precision::kF32>,
                 gemm_block<Precision::kBf16>,
                 pack_a,
                 pack_b,
                 layer_norm_block,
                 pack_head,
                 attention_scratch,
                 attention_block,
                 cross_entropy_row,
                 sig_reg_row,
                 gelu_array,
                 to_bf16_array,
                 accumulate_row,
                 gelu_backward,
                 layer_norm_backward_rows,
                 transpose_b,
                 attention_backward_scratch,
                 attention_backward_head,
                 probe_fma_f32,
                 probe_fma_bf16};
}

}  // namespace
}  // namespace quarry
