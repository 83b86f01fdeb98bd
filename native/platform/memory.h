#pragma once
// Memory in whole pages, and memory-mapped files.
#include <cstddef>
#include <utility>

namespace quarry {

class File;

/// How a range of memory will be used. Only advice: systems may ignore it.
enum class Advice {
  kHugePages,   ///< pages of 2 MiB
  kSequential,  ///< read once, in order
  kSoon,        ///< begin to read it from the disk
  kNow,         ///< map its pages at once instead of by one fault each
  kDone,        ///< not read again: its pages may be evicted first
};

void advise(const void* begin, size_t bytes, Advice advice);

/// Pages that are freed with their owner.
class Mapping {
 public:
  Mapping() = default;
  /// The first `bytes` of a file, read-only, shared with all that map it.
  static Mapping of_file(const File& file, size_t bytes);
  /// A file of `bytes` for reading, shared, so aligned that huge pages are possible. Where the system can, with addresses
  /// beyond its end, which become readable as the file grows into them: size() tells.
  static Mapping of_growing_file(const File& file, size_t bytes);
  /// Zeroed memory of this process.
  static Mapping of_memory(size_t bytes);
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_), file_(other.file_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(file_, other.file_);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  /// Null where mapping failed; errno says why.
  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Mapping(char* data, size_t size, bool file) : data_(data), size_(size), file_(file) {}
  char* data_ = nullptr;
  size_t size_ = 0;
  bool file_ = false;
};

/// `bytes`, a multiple of `alignment`, uninitialised; null when memory is short. `free_aligned` gives it back.
void* allocate_aligned(size_t alignment, size_t bytes);
void free_aligned(void* memory);

}  // namespace quarry
