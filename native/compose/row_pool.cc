#include "compose/row_pool.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace quarry {
namespace {
constexpr size_t kFirstReserve = 256;
/// Rows whose products are taken together.
constexpr size_t kRowsAtOnce = 16;
constexpr float kNone = -2;
}  // namespace

RowPool::RowPool(Isa isa, size_t dim, size_t capacity)
    : distance_(distance_kernels_for(isa)),
      kernels_(compose_kernels_for(isa)),
      dim_(dim),
      capacity_(capacity),
      products_(distance_, dim) {}

void RowPool::reserve(size_t slots) {
  if (slots <= stride_) return;
  size_t stride = std::max(kFirstReserve, stride_);
  while (stride < slots) stride *= 2;
  stride = std::min(stride, std::max(capacity_, slots));
  AlignedBuffer<float> rows(stride * dim_);
  AlignedBuffer<uint16_t> rough(stride * dim_);
  AlignedBuffer<float> gram(stride * stride);
  if (count_ > 0) std::memcpy(rows.data(), rows_.data(), count_ * dim_ * sizeof(float));
  if (count_ > 0) std::memcpy(rough.data(), rough_.data(), count_ * dim_ * sizeof(uint16_t));
  for (size_t i = 0; i < count_; ++i) std::memcpy(gram.data() + i * stride, column(i), count_ * sizeof(float));
  rows_ = std::move(rows);
  rough_ = std::move(rough);
  gram_ = std::move(gram);
  stride_ = stride;
  squares_.resize(stride, std::numeric_limits<float>::quiet_NaN());
}

void RowPool::put(int32_t* slots, const float* rows, size_t n) {
  std::vector<float> products;
  for (size_t first = 0; first < n; first += kRowsAtOnce) {
    const size_t some = std::min(kRowsAtOnce, n - first);
    // Slots that are named may leave a gap; those that are chosen come behind the last or in a gap.
    size_t end = count_;
    for (size_t i = first; i < first + some; ++i) {
      if (slots[i] >= 0) end = std::max(end, static_cast<size_t>(slots[i]) + 1);
    }
    reserve(std::min(capacity_, end + some));
    const float* batch = rows + first * dim_;
    // Columns for the rows that are here, and for those of the batch that come before.
    products.resize(some * capacity_);
    products_.take(rows_.data(), count_, batch, some, products.data(), capacity_);
    for (size_t i = 0; i < some; ++i) {
      const float* values = batch + i * dim_;
      float* column = products.data() + i * capacity_;
      float square = 0;
      products_.take(values, 1, values, 1, &square, 1);
      const bool is_row = square > 0 && std::isfinite(square);
      int32_t& slot = slots[first + i];
      if (slot < 0) slot = is_row ? choose(column, square) : -1;
      if (slot < 0) continue;
      const size_t at = static_cast<size_t>(slot);
      if (!is_row) {
        if (at < count_ && !std::isnan(squares_[at])) empty_.push_back(slot);
        if (at < count_) squares_[at] = std::numeric_limits<float>::quiet_NaN();
        nearest_.clear();
        continue;
      }
      column[at] = square;
      write(at, values, column);
      for (size_t j = i + 1; j < some; ++j) {
        products_.take(values, 1, batch + j * dim_, 1, products.data() + j * capacity_ + at, 1);
      }
    }
  }
}

void RowPool::write(size_t slot, const float* values, const float* products) {
  if (slot >= count_) {
    for (size_t i = count_; i < slot; ++i) empty_.push_back(static_cast<int32_t>(i));
    count_ = slot + 1;
  }
  std::memcpy(row(slot), values, dim_ * sizeof(float));
  for (size_t k = 0; k < dim_; ++k) rough_[slot * dim_ + k] = float_to_bf16(values[k]);
  std::memcpy(gram_.data() + slot * stride_, products, count_ * sizeof(float));
  for (size_t i = 0; i < count_; ++i) gram_[i * stride_ + slot] = products[i];
  squares_[slot] = products[slot];
  std::erase(empty_, static_cast<int32_t>(slot));
  if (!nearest_.empty()) update_nearest(slot);
}

int32_t RowPool::choose(const float* products, float square) {
  if (!empty_.empty()) return empty_.back();
  if (count_ < capacity_) return static_cast<int32_t>(count_);
  if (nearest_.empty()) {
    nearest_.resize(count_);
    nearest_cosine_.resize(count_);
    for (size_t i = 0; i < count_; ++i) find_nearest(i);
  }
  const size_t closest = static_cast<size_t>(
      std::max_element(nearest_cosine_.begin(), nearest_cosine_.end()) - nearest_cosine_.begin());
  float nearest = kNone;
  for (size_t i = 0; i < count_; ++i) {
    // The row whose place is asked for does not count.
    if (i == closest || !holds(i)) continue;
    nearest = std::max(nearest, products[i] / std::sqrt(squares_[i] * square));
  }
  return nearest < nearest_cosine_[closest] ? static_cast<int32_t>(closest) : -1;
}

void RowPool::find_nearest(size_t slot) {
  nearest_[slot] = -1;
  nearest_cosine_[slot] = kNone;
  if (!holds(slot)) return;
  const float* products = column(slot);
  for (size_t i = 0; i < count_; ++i) {
    const float cosine = products[i] / std::sqrt(squares_[i] * squares_[slot]);
    if (i == slot || !(cosine > nearest_cosine_[slot])) continue;
    nearest_cosine_[slot] = cosine;
    nearest_[slot] = static_cast<int32_t>(i);
  }
}

void RowPool::update_nearest(size_t slot) {
  nearest_.resize(count_, -1);
  nearest_cosine_.resize(count_, kNone);
  find_nearest(slot);
  const float* products = column(slot);
  for (size_t i = 0; i < count_; ++i) {
    if (i == slot || !holds(i)) continue;
    const float cosine = products[i] / std::sqrt(squares_[i] * squares_[slot]);
    if (cosine > nearest_cosine_[i]) {
      nearest_cosine_[i] = cosine;
      nearest_[i] = static_cast<int32_t>(slot);
    } else if (nearest_[i] == static_cast<int32_t>(slot)) {
      find_nearest(i);
    }
  }
}

}  // namespace quarry
