#pragma once
// A file mapped for reading, with address space beyond its end for what will be appended.
#include <cstddef>
#include <memory>
#include <string>

namespace quarry {

/// How a mapping will be read.
enum class Reading { kPicked, kStreamed };

class MappedFile {
 public:
  /// Maps at least `bytes` of the file. A streamed mapping is read in huge pages where the file system has them: half
  /// again as fast as 4 KiB pages from memory, and 2 MiB at a time from disk. Throws CoreError `IO` when it cannot be
  /// read or is shorter.
  static std::shared_ptr<const MappedFile> open(const std::string& path, size_t bytes, Reading reading);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const void* data() const { return data_; }
  /// Whether the file still has `bytes` bytes: reading beyond its end raises SIGBUS.
  bool holds(size_t bytes) const;
  /// Bytes that may be read once the file has grown to them.
  size_t reserved() const { return reserved_; }

 private:
  MappedFile(int fd, void* data, size_t reserved) : fd_(fd), data_(data), reserved_(reserved) {}
  int fd_;
  void* data_;
  size_t reserved_;
};

}  // namespace quarry
