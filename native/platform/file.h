#pragma once
// Files as the core needs them. Failures return false or -1 and leave the reason in errno, on Windows too.
//
// native/platform is the one place that calls the operating system: each header has a *_posix.cc and a *_windows.cc, and the
// compiler finds one of them empty.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace quarry {

enum class Access {
  kRead,     ///< an existing file, for reading
  kCreate,   ///< for reading and writing, created if missing
  kReplace,  ///< the same, truncated
  kDirect,   ///< an existing file, written past the page cache: fails where the system or the file system cannot
};

class File {
 public:
  File() = default;
  /// `path` is UTF-8. `mode` is the permissions of a new file, where the system has such.
  File(const std::string& path, Access access, int mode = 0644);
  File(File&& other) noexcept : handle_(std::exchange(other.handle_, kNone)) {}
  File& operator=(File&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(); }

  bool ok() const { return handle_ != kNone; }
  void close();
  /// Bytes, or -1.
  int64_t size() const;
  /// Reads up to `bytes` at `offset`: how many it got, 0 at the end, or -1.
  int64_t read(void* to, size_t bytes, uint64_t offset) const;
  /// Writes up to `bytes` at `offset`: how many, or -1.
  int64_t write(const void* from, size_t bytes, uint64_t offset) const;
  bool resize(uint64_t bytes) const;
  /// Reserves [0, bytes) on the disk without changing the file's size. True also where the system cannot reserve.
  bool reserve(uint64_t bytes) const;
  /// Flushes everything written to the disk.
  bool sync() const;
  /// Waits until no other handle, of this process or another, has the lock. Closing the handle releases it.
  bool lock() const;
  /// The descriptor, or the HANDLE.
  intptr_t handle() const { return handle_; }

 private:
  static constexpr intptr_t kNone = -1;
  intptr_t handle_ = kNone;
};

/// Renames a file, replacing one that has the new name.
bool rename_file(const std::string& from, const std::string& to);
bool remove_file(const std::string& path);
/// Whether an errno says that the disk, or one's share of it, is full.
bool is_disk_full(int error);
uint64_t process_id();

}  // namespace quarry
