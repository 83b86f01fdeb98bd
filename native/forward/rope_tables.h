#pragma once
// Cosines and sines of the rotary embedding, [T, D/2] for the positions start .. start + T - 1.
//
//   timescale_i = 10000^(2i / D)     correctly rounded to f32 (pow in f64, rounded once)
//   angle       = f32(position) / timescale_i      one f32 division: the rounding at large positions is part of the result
//   sine, cosine of the f32 angle in f64, rounded
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "core/aligned_buffer.h"
#include "core/thread_pool.h"

namespace quarry {

struct RopeTables {
  AlignedBuffer<float> cosines;
  AlignedBuffer<float> sines;
};

/// Tables by first position, the most recently used ones kept. A short chunk uses the same table as a full one: its EOS
/// and PAD share the position after its last byte, which is a row of the table.
class RopeCache {
 public:
  RopeCache(size_t tokens, size_t head_width) : tokens_(tokens), head_width_(head_width) {}
  std::shared_ptr<const RopeTables> at(uint64_t start, ThreadPool* pool);

 private:
  struct Entry {
    uint64_t start;
    std::shared_ptr<const RopeTables> tables;
  };
  size_t tokens_;
  size_t head_width_;
  std::mutex mutex_;
  std::list<Entry> entries_;
};

}  // namespace quarry
