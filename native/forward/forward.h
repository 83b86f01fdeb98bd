#pragma once
// One chunk through the model: everything a score needs of it, as sums over its positions.
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/aligned_buffer.h"
#include "forward/noise.h"
#include "forward/packed_weights.h"
#include "forward/rope_tables.h"

namespace quarry {

struct ChunkInput {
  const uint8_t* bytes;  ///< of the chunk
  size_t length;         ///< 1 .. T; shorter than T: then EOS, then PAD
  uint64_t start;        ///< offset of the chunk in its sample
};

struct ChunkSums {
  double negative_log_likelihood = 0;  ///< over the targets that count
  double sig_reg = 0;                  ///< over all positions
  std::vector<double> embedding;       ///< [E], over all positions
  /// Largest mean square of a residual row and largest |score| of attention; NaN where one was met.
  float activation = 0;
  float attention = 0;
};

/// The buffers of one forward pass. Reused from chunk to chunk; one pass at a time.
class Forward {
 public:
  /// `pool` null: the pass runs in the calling thread.
  Forward(const ModelShape& shape, Precision precision, const Kernels& kernels, ThreadPool* pool);

  /// False when aborted.
  bool run(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope, const NoiseMatrix& noise,
           const std::atomic<bool>* abort, ChunkSums* out);

 protected:
  void embed(const PackedWeights& weights, const ChunkInput& chunk);
  void gemm(Gemm& g, const std::atomic<bool>* abort);
  void layer_norm(const float* gamma, const float* beta, const std::atomic<bool>* abort);
  void attention(const ChunkInput& chunk, const RopeTables& rope, const std::atomic<bool>* abort);
  /// x += attention(norm(x)). `sums` receives how large activations and scores became; may be null.
  void attention_block(const LayerWeights& layer, const ChunkInput& chunk, const RopeTables& rope,
                       const std::atomic<bool>* abort, ChunkSums* sums);
  /// x += feed_forward(norm(x))
  void feed_forward_block(const LayerWeights& layer, const std::atomic<bool>* abort, ChunkSums* sums);
  void lm_head(const PackedWeights& weights, const ChunkInput& chunk, const NoiseMatrix& noise,
                     const std::atomic<bool>* abort, ChunkSums* out);

  ModelShape shape_;
  Precision precision_;
  const Kernels& kernels_;
  ThreadPool* pool_;
  unsigned threads_;
  RowTiles tiles_;
  size_t scratch_floats_;
  AlignedBuffer<float> x_;         // [T, E]
  AlignedBuffer<float> qkv_;       // [T, 3E]; at the end r [T, E] and r packed
  AlignedBuffer<char> normed_;     // packed [T, E]
  AlignedBuffer<char> context_;    // packed [T, E]
  AlignedBuffer<char> hidden_;     // packed [T, H]
  AlignedBuffer<char> heads_;      // q, k, v of every head
  AlignedBuffer<float> scratch_;   // per thread
  std::vector<float> extremes_;    // per task
  size_t head_bytes_;
};

}  // namespace quarry
