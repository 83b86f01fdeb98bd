#pragma once
// Packs a weights file that arrives piece by piece, in file order, without ever holding more than two of its matrices.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/file_writer.h"
#include "forward/packed_weights.h"

namespace quarry {

class WeightsPacker {
 public:
  /// Into `memory`, PackedWeights::bytes_of(shape, precision) zeroed bytes. `source_bytes` is the length of the weights
  /// file. Throws CoreError WEIGHTS or ARGUMENT where `tensors` are not this shape's.
  WeightsPacker(const ModelShape& shape, Precision precision, const std::vector<TensorSource>& tensors,
                uint64_t source_bytes, const Kernels& kernels, char* memory);
  /// Into a temporary file in `cache_dir`, which `publish` renames. Throws CoreError.
  WeightsPacker(const ModelShape& shape, Precision precision, const std::vector<TensorSource>& tensors,
                uint64_t source_bytes, const Kernels& kernels, const std::string& cache_dir,
                const std::string& checksum);
  /// Removes a file that was not published.
  ~WeightsPacker();
  WeightsPacker(const WeightsPacker&) = delete;
  WeightsPacker& operator=(const WeightsPacker&) = delete;

  /// Takes the bytes of the weights file that follow those taken before. `pool` null: by this thread alone. Throws
  /// CoreError.
  void consume(const char* data, size_t size, ThreadPool* pool, const std::atomic<bool>* abort);
  /// Ends the packing after the last byte of the last tensor. Throws CoreError.
  void finish();
  /// Flushes the file, then renames it: after a power failure a file of that name is complete. Throws CoreError.
  void publish();

 private:
  // A contiguous part of the packed form that is complete when all its tensors are.
  struct Unit {
    uint64_t offset;
    size_t bytes;
    size_t tensors_left;
    bool padded;  // not every byte is written
    char* data = nullptr;
    size_t slot = 0;
  };
  // One tensor, in file order.
  struct Part {
    TensorSource source;
    bool matrix;
    size_t rows, columns;  // a vector is one row
    float* vector;         // where its values go
    size_t unit, column;   // a matrix: its place
    Precision precision;
  };
  struct Slot {
    AlignedBuffer<char> memory;
    uint64_t written = 0;  // number of its last write
    bool open = false;
  };

  void plan(const ModelShape& shape, Precision precision, const std::vector<TensorSource>& tensors,
            uint64_t source_bytes);
  void take(Part& part, const char* data, uint64_t at, size_t size, ThreadPool* pool, const std::atomic<bool>* abort);
  void pack(Part& part, const char* data, uint64_t at, size_t size, ThreadPool* pool, const std::atomic<bool>* abort);
  void open_unit(Unit& unit);
  void close_unit(Unit& unit);

  const Kernels& kernels_;
  char* memory_ = nullptr;
  std::string partial_path_, final_path_;
  std::unique_ptr<FileWriter> file_;
  AlignedBuffer<char> head_;  // the file's header and vectors
  size_t bytes_ = 0;
  std::vector<Unit> units_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<Slot>> slots_;
  size_t next_part_ = 0;
  uint64_t at_ = 0;  // bytes of the weights file taken
  // The start of an element, or of two rows, whose rest has yet to arrive.
  std::vector<char> carry_;
  AlignedBuffer<float> converted_;
};

}  // namespace quarry
