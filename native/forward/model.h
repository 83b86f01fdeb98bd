#pragma once
// A model that scores whole samples as the protocol defines loss and embedding.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backward/gradient_pass.h"
#include "forward/forward.h"

namespace quarry {

struct ModelOptions {
  ModelShape shape;
  Isa isa;
  unsigned threads;
  std::string weights_path;
  std::vector<TensorSource> tensors;
  std::string cache_dir;  ///< empty: packed weights stay in this process
  std::string checksum;
};

struct SampleScore {
  float loss = 0;
  std::vector<float> embedding;
  float activation = 0;  ///< see ChunkSums
  float attention = 0;
};

struct MixtureGradient {
  std::vector<float> gradient;  ///< [T, 256]
  MixtureValues values;
};

class Model {
 public:
  explicit Model(ModelOptions options);

  const ModelShape& shape() const { return options_.shape; }

  /// Packs or maps the weights of `precision`; a no-op where they are there. Returns whether packing was done. Throws
  /// CoreError.
  bool prepare(Precision precision, const std::atomic<bool>* abort);

  /// Scores samples in order; every sample has at least one byte. Batch k of a sample uses noise seed + k. One call at
  /// a time: others wait. `tokens` other than the shape's cuts chunks of that length instead, for calibration. Throws
  /// CoreError, code ABORTED when `abort` was raised.
  std::vector<SampleScore> score(const std::vector<std::vector<uint8_t>>& samples, uint64_t seed, Precision precision,
                                 size_t tokens, const std::atomic<bool>* abort);

  /// The gradient of direction . embedding with respect to the sample's bytes as one-hot rows, [bytes, 256]. One call at
  /// a time, as `score`. Throws CoreError, code ABORTED when `abort` was raised.
  std::vector<float> byte_gradient(const std::vector<uint8_t>& sample, const std::vector<float>& direction,
                                   Precision precision, const std::atomic<bool>* abort);

  /// The gradient of a goal over a full chunk of mixed bytes with respect to the mixture, [T, 256]. One call at a time, as
  /// `score`. Throws CoreError, code ABORTED when `abort` was raised.
  MixtureGradient mixture_gradient(const std::vector<float>& mixture, const std::vector<float>& target,
                                   float loss_weight, Precision precision, const std::atomic<bool>* abort);

 private:
  GradientPass& gradient_pass(Precision precision);

  // What passes over chunks of one length need, kept from call to call.
  struct Passes {
    ModelShape shape;
    RopeCache rope;
    std::unique_ptr<Forward> together[2];             // all threads on one chunk
    std::vector<std::unique_ptr<Forward>> apart[2];   // a chunk per thread
    explicit Passes(const ModelShape& s) : shape(s), rope(s.tokens, s.head_width()) {}
  };

  std::shared_ptr<const PackedWeights> weights(Precision precision, const std::atomic<bool>* abort, bool* packed);
  void run_chunks(Passes& passes, const std::vector<ChunkInput>& chunks, const std::vector<uint64_t>& seeds,
                  Precision precision, const std::atomic<bool>* abort, std::vector<ChunkSums>* sums);

  ModelOptions options_;
  const Kernels& kernels_;
  std::mutex mutex_;
  ThreadPool pool_;
  std::shared_ptr<const PackedWeights> weights_[2];
  Passes passes_;
  std::unique_ptr<GradientPass> gradient_[2];
};

}  // namespace quarry
