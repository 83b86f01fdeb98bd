#pragma once
// Rows of one model, diverse and bounded in number, with the product of each with every other: memory is
// capacity * (1.5 dim + capacity) floats, allocated as rows arrive.
//
// A pool that is full takes a row only when it lies further from all others than the two closest rows of the pool from
// each other, in the place of one of these: what stays is spread out.
#include <cstdint>
#include <mutex>
#include <vector>

#include "compose/compose.h"
#include "compose/products.h"
#include "core/aligned_buffer.h"
#include "distance/distance.h"

namespace quarry {

struct ComposeGoal {
  /// [dim]
  const float* target;
  /// The search ends with the first composition this close, cosine.
  double cosine;
  size_t max_parts;
  /// Better parts are looked for at every length, so that fewer parts suffice.
  bool fewest;
  size_t rivals;
  /// Per rival, one for each slot.
  const float* const* leads;
};

struct Composition {
  /// Empty where no row can begin one.
  std::vector<int32_t> slots;
  double cosine = -2;
};

class RowPool {
 public:
  RowPool(Isa isa, size_t dim, size_t capacity);

  size_t dim() const { return dim_; }
  size_t capacity() const { return capacity_; }
  std::mutex& mutex() { return mutex_; }

  /// Puts rows [n, dim] into slots; a row that is zero or not finite empties its slot. A negative slot is chosen here and
  /// written back, or left negative where the row adds too little. Throws std::bad_alloc.
  void put(int32_t* slots, const float* rows, size_t n);

  /// Greedy by cosine, then parts are exchanged as long as that helps. `leads` reach to slot `leads_count`.
  void search(const ComposeGoal* goals, size_t n, size_t leads_count, Composition* out);

 private:
  class Search;

  float* row(size_t slot) { return rows_.data() + slot * dim_; }
  const float* row(size_t slot) const { return rows_.data() + slot * dim_; }
  const float* column(size_t slot) const { return gram_.data() + slot * stride_; }
  bool holds(size_t slot) const { return squares_[slot] > 0; }
  void reserve(size_t slots);
  /// Writes a row whose products with all slots below count_ are `products`.
  void write(size_t slot, const float* values, const float* products);
  int32_t choose(const float* products, float square);
  void find_nearest(size_t slot);
  void update_nearest(size_t slot);

  const DistanceKernels& distance_;
  const ComposeKernels& kernels_;
  const size_t dim_;
  const size_t capacity_;
  std::mutex mutex_;
  Products products_;
  size_t count_ = 0;
  size_t stride_ = 0;
  AlignedBuffer<float> rows_;
  /// The rows rounded to bf16: what a search for one target reads of all of them.
  AlignedBuffer<uint16_t> rough_;
  AlignedBuffer<float> gram_;
  std::vector<float> squares_;
  std::vector<int32_t> empty_;
  /// The closest other row of each slot and its cosine, kept once the pool is full.
  std::vector<float> nearest_cosine_;
  std::vector<int32_t> nearest_;
};

}  // namespace quarry
