#pragma once
// Uninitialised, cache-line-aligned memory for kernels. Large blocks ask for huge pages.
#include <cstddef>
#include <new>
#include <utility>

#include "platform/memory.h"

namespace quarry {

template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t count) { resize(count); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~AlignedBuffer() { free_aligned(data_); }

  /// Makes room for `count` elements; contents are lost. Throws std::bad_alloc.
  void resize(size_t count) {
    if (count == count_) return;
    free_aligned(data_);
    data_ = nullptr;
    count_ = 0;
    if (count == 0) return;
    const size_t huge = size_t{2} << 20;
    const size_t bytes = count * sizeof(T);
    const size_t alignment = bytes >= huge ? huge : 64;
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* memory = allocate_aligned(alignment, rounded);
    if (memory == nullptr) throw std::bad_alloc();
    if (alignment == huge) advise(memory, rounded, Advice::kHugePages);
    data_ = static_cast<T*>(memory);
    count_ = count;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace quarry
