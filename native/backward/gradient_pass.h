#pragma once
// From the embedding back to the bytes of one chunk.
//
// A forward pass keeps the input of every layer; the way back computes the rest of a layer again from it. Memory beside
// the forward pass's own, in floats, for T tokens, width E, hidden H, L layers:
//   T E (L + 3) + T (3E + 2H) + T max(3E, H) packed + one transposed matrix max(3E, H) E + attention scratch per thread
//   and T V for the logits of a mixture,
// which for the V1 model comes to about 0.5 GB.
#include "forward/forward.h"

namespace quarry {

/// Columns of a gradient: the values of a byte.
inline constexpr size_t kByteValues = 256;

/// A full chunk whose positions may be mixtures of bytes, and what to climb: cosine - loss_weight * cross-entropy.
struct MixtureGoal {
  const float* mixture;  ///< [T, 256], each row a distribution over byte values
  const float* target;   ///< [E]
  float loss_weight;
};

struct MixtureValues {
  double cosine = 0;         ///< of the chunk's embedding and the target
  double cross_entropy = 0;  ///< summed over the predicted positions, divided by T as in a loss
};

/// The buffers of one forward and backward pass. One pass at a time.
class GradientPass : private Forward {
 public:
  GradientPass(const ModelShape& shape, Precision precision, const Kernels& kernels, ThreadPool* pool);

  /// Adds the gradient of the sum over positions of direction . r with respect to the chunk's bytes as one-hot rows to
  /// `out` [chunk.length, 256]. False when aborted.
  bool run(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope, const float* direction,
           const std::atomic<bool>* abort, float* out);

  /// Adds the gradient of the goal with respect to the mixture to `out` [T, 256]. False when aborted.
  bool run_mixture(const PackedWeights& weights, const MixtureGoal& goal, const RopeTables& rope,
                   const std::atomic<bool>* abort, float* out, MixtureValues* values);

 private:
  /// Through all layers from the embedded tokens, keeping their inputs. False when aborted.
  bool encode(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
              const std::atomic<bool>* abort);
  /// Back through all layers, in place in `gradient_`. False when aborted.
  bool encode_backward(const PackedWeights& weights, const ChunkInput& chunk, const RopeTables& rope,
                       const std::atomic<bool>* abort);
  /// x = mixture x the table's first rows.
  void embed_mixture(const PackedWeights& weights, const float* mixture, const std::atomic<bool>* abort);
  /// The sum over positions of r, the final norm of x; leaves r in `packed_`.
  std::vector<double> final_norm(const PackedWeights& weights, const std::atomic<bool>* abort);
  /// Turns `logits_` into the goal's slopes with respect to them; adds those of the labels to `out`. Returns the
  /// cross-entropy.
  double label_slopes(const MixtureGoal& goal, const std::atomic<bool>* abort, float* out);
  /// Packs [rows, k] into `packed_`.
  void pack_f32(const float* from, size_t ld, size_t rows, size_t k, const std::atomic<bool>* abort);
  /// A product in f32, with `packed_` as its A.
  void product_f32(Gemm& g, const std::atomic<bool>* abort);
  /// to [T, out] = from [T, in] x W^T, W the packed [out, in].
  void multiply_transposed(const float* from, size_t in, const void* weights, size_t out, float* to,
                           const std::atomic<bool>* abort);
  /// gradient += the layer norm's input gradient, given `dy` with respect to its output; `dy_ld` is 0 if all rows share one.
  void norm_backward(const float* x, const float* dy, size_t dy_ld, const float* gamma, const std::atomic<bool>* abort);
  void layer_backward(const LayerWeights& layer, const float* input, const ChunkInput& chunk, const RopeTables& rope,
                      const std::atomic<bool>* abort);
  void attention_backward(const ChunkInput& chunk, const RopeTables& rope, const std::atomic<bool>* abort);
  void bytes_backward(const PackedWeights& weights, size_t length, const std::atomic<bool>* abort, float* out);

  AlignedBuffer<float> inputs_;       // [L, T, E]
  AlignedBuffer<float> gradient_;     // [T, E]
  AlignedBuffer<float> product_;      // [T, E]
  AlignedBuffer<float> slopes_;       // [T, E], with respect to the attention's context
  AlignedBuffer<float> qkv_slopes_;   // [T, 3E]
  AlignedBuffer<float> inner_;        // [T, H], before the GELU
  AlignedBuffer<float> inner_slopes_; // [T, H]
  AlignedBuffer<char> packed_;        // A [T, max(3E, H)]
  AlignedBuffer<char> transposed_;    // B, the largest matrix of a layer
  AlignedBuffer<float> head_scratch_; // per thread
  AlignedBuffer<float> bytes_;        // B [E, 256], the table's first rows; or B [256, E]
  AlignedBuffer<float> logits_;       // [T, V]; only for mixtures
  size_t head_floats_;
};

}  // namespace quarry
