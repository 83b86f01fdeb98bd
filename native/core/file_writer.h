#pragma once
// Writes large blocks of a file on a thread of its own.
//
// Where the file system can, blocks go to the disk directly: copying them into the page cache costs a core more time than
// computing them does, and would push out pages that are needed. Blocks that are not aligned, and file systems that
// cannot, go through the page cache.
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "platform/file.h"

namespace quarry {

/// Alignment of addresses, lengths and offsets that go to the disk directly.
constexpr size_t kDiskBlock = 4096;

/// Throws CoreError DISK_FULL or IO for the current errno.
[[noreturn]] void throw_errno(const std::string& doing);

class FileWriter {
 public:
  /// Opens `path` for reading and writing. Throws CoreError.
  FileWriter(const std::string& path, Access access, int mode);
  /// Waits for what is queued.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// The file as opened through the page cache. Queued writes may not have reached it.
  const File& file() const { return file_; }

  /// Reserves [0, bytes) on the disk, so that a full disk is known now; the file's size stays. Throws CoreError
  /// DISK_FULL. File systems that cannot reserve are left to fail later.
  void reserve(uint64_t bytes);

  /// Queues a write; `data` must stay until `wait` was given the number returned.
  uint64_t queue(const char* data, size_t size, uint64_t offset);
  /// Returns when the write of that number, and all before it, is done. Throws CoreError where one failed.
  void wait(uint64_t number);
  /// Waits for all. Throws CoreError.
  void drain();

 private:
  struct Write {
    const char* data;
    size_t size;
    uint64_t offset;
  };
  void work();
  int write(const Write& write);

  const std::string path_;
  File file_;
  File direct_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Write> queue_;
  uint64_t queued_ = 0;
  uint64_t done_ = 0;
  int error_ = 0;  // errno of the first write that failed; later ones are dropped
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace quarry
