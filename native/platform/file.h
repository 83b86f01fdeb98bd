#pragma once
// Files as the core needs them. What fails returns false or -1 and leaves the reason in errno, on Windows too.
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
  kCreate,   ///< for reading and writing, made where there is none
  kReplace,  ///< the same, emptied
  kDirect,   ///< an existing file, written past the page cache: fails where the system or the file system cannot
};

class File {
 public:
  File() = default;
  /// `path` is UTF-8. `mode` has the permissions of a new file, where there are such.
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
  /// Reserves [0, bytes) on the disk, the size stays. True also where nothing can be reserved.
  bool reserve(uint64_t bytes) const;
  /// Everything written is on the disk.
  bool sync() const;
  /// Waits until no other handle, of this process or another, has the lock. It goes with the handle.
  bool lock() const;
  /// The descriptor, or the HANDLE.
  intptr_t handle() const { return handle_; }

 private:
  static constexpr intptr_t kNone = -1;
  intptr_t handle_ = kNone;
};

/// Gives a file another name, in place of a file that has it.
bool rename_file(const std::string& from, const std::string& to);
bool remove_file(const std::string& path);
/// Whether an errno says that the disk, or one's share of it, is full.
bool is_disk_full(int error);
uint64_t process_id();

}  // namespace quarry
