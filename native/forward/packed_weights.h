#pragma once
// A model's weights in the form the products read, made once from a safetensors file and kept on disk.
//
// File: a 4096-byte header (magic, layout version, precision, the five sizes of the model, the weights' checksum), the
// embedding table and all vectors in f32 at multiples of 64 bytes, then the matrices at multiples of 4096 bytes: the
// layers' packed in `precision`, the predictor in f32. It is written under another name, then renamed, and mapped
// read-only and shared, so all threads and processes of a machine read one copy.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "platform/file.h"
#include "platform/memory.h"

namespace quarry {

/// The sizes of a model, as src/weights/model-config.ts names them.
struct ModelShape {
  size_t embedding;  ///< E
  size_t heads;      ///< A
  size_t layers;     ///< L
  size_t hidden;     ///< H
  size_t vocabulary; ///< V
  size_t tokens;     ///< T
  size_t batch;      ///< chunks per batch
  size_t head_width() const { return embedding / heads; }
};

/// Element types of a weight file, numbered as in src/engine/native/weights-source.ts.
enum class Dtype : uint8_t { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU64, kU32, kU8, kBool };

/// Where a tensor's bytes lie in the file.
struct TensorSource {
  Dtype dtype;
  uint64_t offset;
  uint64_t bytes;
};

/// Tensors of a layer in the order a list of sources gives them: norm_1 gamma, beta; query weight, bias; key; value;
/// output; norm_2 gamma, beta; inner weight, bias; outer weight, bias. A list is: embedding, layers, final norm gamma,
/// beta, predictor weight, bias.
inline constexpr size_t kLayerTensors = 16;

struct LayerWeights {
  const float *norm1_gamma, *norm1_beta, *qkv_bias, *output_bias, *norm2_gamma, *norm2_beta, *inner_bias, *outer_bias;
  const void *qkv, *output, *inner, *outer;
};

class PackedWeights {
 public:
  /// Maps the packed file of (`checksum`, shape, precision) in `cache_dir`, packing it from `weights_path` first where
  /// it does not exist. An empty `cache_dir` packs into memory of this process. Throws CoreError.
  static std::shared_ptr<const PackedWeights> open(const ModelShape& shape, Precision precision,
                                                   const std::string& weights_path,
                                                   const std::vector<TensorSource>& tensors,
                                                   const std::string& cache_dir, const std::string& checksum,
                                                   const Kernels& kernels, ThreadPool& pool,
                                                   const std::atomic<bool>* abort);
  /// Bytes of the packed form, header included.
  static size_t bytes_of(const ModelShape& shape, Precision precision);
  /// Where `open` keeps it.
  static std::string path_of(const ModelShape& shape, Precision precision, const std::string& cache_dir,
                             const std::string& checksum);
  /// Maps the packed file if there is a whole one; null otherwise.
  static std::shared_ptr<const PackedWeights> map(const ModelShape& shape, Precision precision,
                                                  const std::string& cache_dir, const std::string& checksum);
  /// Whether the file behind the mapping is as long as it was: reading beyond its end ends the process.
  bool whole() const;
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  const float* embedding = nullptr;  ///< [V, E]
  std::vector<LayerWeights> layers;
  const float *final_gamma = nullptr, *final_beta = nullptr, *predictor_bias = nullptr;
  const void* predictor = nullptr;  ///< packed f32
  bool packed_now = false;          ///< whether this call did the packing

 private:
  friend class WeightsPacker;
  PackedWeights() = default;
  /// Gives every section its address; `base` may be null, for offsets.
  void lay_out(const ModelShape& shape, Precision precision, char* base);
  static void write_header(const ModelShape& shape, Precision precision, const std::string& checksum, char* to);
  Mapping mapping_;
  File file_;  // the mapped one; none where the weights are in memory
  size_t bytes_ = 0;
  size_t head_bytes_ = 0;  // header and vectors
};

/// Converts `count` elements at `source` (unaligned) to f32 by value.
void convert_to_f32(Dtype dtype, const char* source, size_t count, float* out);
/// Bytes of one element.
size_t dtype_bytes(Dtype dtype);

}  // namespace quarry
