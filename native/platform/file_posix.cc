#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "platform/file.h"

namespace quarry {

namespace {
int descriptor(intptr_t handle) { return static_cast<int>(handle); }

int open_flags(Access access) {
  switch (access) {
    case Access::kRead:
      return O_RDONLY;
    case Access::kCreate:
      return O_RDWR | O_CREAT;
    case Access::kReplace:
      return O_RDWR | O_CREAT | O_TRUNC;
    case Access::kDirect:
#if defined(O_DIRECT)
      return O_WRONLY | O_DIRECT;
#else
      break;
#endif
  }
  return -1;
}

// Calls again what a signal interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}
}  // namespace

File::File(const std::string& path, Access access, int mode) {
  const int flags = open_flags(access);
  if (flags < 0) return;
  // A FIFO must not wait for its other end.
  handle_ = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, mode);
  struct stat status;
  if (!ok() || fstat(descriptor(handle_), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return;
  close();
  errno = ENXIO;
}

void File::close() {
  if (ok()) ::close(descriptor(handle_));
  handle_ = kNone;
}

int64_t File::size() const {
  struct stat status;
  return fstat(descriptor(handle_), &status) == 0 ? static_cast<int64_t>(status.st_size) : -1;
}

int64_t File::read(void* to, size_t bytes, uint64_t offset) const {
  return uninterrupted([&] { return ::pread(descriptor(handle_), to, bytes, static_cast<off_t>(offset)); });
}

int64_t File::write(const void* from, size_t bytes, uint64_t offset) const {
  return uninterrupted([&] { return ::pwrite(descriptor(handle_), from, bytes, static_cast<off_t>(offset)); });
}

bool File::resize(uint64_t bytes) const { return ftruncate(descriptor(handle_), static_cast<off_t>(bytes)) == 0; }

bool File::reserve(uint64_t bytes) const {
#if defined(__linux__)
  if (bytes > 0 && fallocate(descriptor(handle_), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0) {
    return !is_disk_full(errno) && errno != EFBIG;
  }
#else
  (void)bytes;
#endif
  return true;
}

bool File::sync() const { return fsync(descriptor(handle_)) == 0; }

bool File::lock() const {
  return uninterrupted([&] { return flock(descriptor(handle_), LOCK_EX); }) == 0;
}

bool rename_file(const std::string& from, const std::string& to) { return std::rename(from.c_str(), to.c_str()) == 0; }

bool remove_file(const std::string& path) { return ::unlink(path.c_str()) == 0; }

bool is_disk_full(int error) { return error == ENOSPC || error == EDQUOT; }

uint64_t process_id() { return static_cast<uint64_t>(getpid()); }

}  // namespace quarry
#endif
