#pragma once
// A file mapped for reading, where possible with address space beyond its end for what will be appended.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "platform/file.h"
#include "platform/memory.h"

namespace quarry {

/// How a mapping will be read.
enum class Reading { kPicked, kStreamed };

class MappedFile {
 public:
  /// Maps at least `bytes` of the file. A streamed mapping is read in huge pages where the file system has them: half
  /// again as fast as 4 KiB pages from memory, and 2 MiB at a time from disk. Throws CoreError `IO` when it cannot be
  /// read or is shorter.
  static std::shared_ptr<const MappedFile> open(const std::string& path, size_t bytes, Reading reading);
  const void* data() const { return mapping_.data(); }
  /// Whether the file still has `bytes` bytes: reading beyond its end ends the process.
  bool holds(size_t bytes) const;
  /// Bytes that may be read once the file has grown to them.
  size_t reserved() const { return mapping_.size(); }

 private:
  MappedFile(File file, Mapping mapping) : file_(std::move(file)), mapping_(std::move(mapping)) {}
  File file_;
  Mapping mapping_;
};

}  // namespace quarry
