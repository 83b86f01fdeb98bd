#include "distance/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "core/error.h"

namespace quarry {

namespace {
/// Huge pages of x86-64 and of ARM with 4 KiB pages.
constexpr size_t kHugePage = size_t{2} << 20;

/// Maps `size` bytes, a multiple of kHugePage, at a multiple of it: elsewhere the kernel cannot use huge pages.
void* map_aligned(int fd, size_t size) {
  void* room = mmap(nullptr, size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return MAP_FAILED;
  char* begin = static_cast<char*>(room);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  void* data = mmap(begin + before, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
  const int error = errno;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + size, kHugePage - before);
  if (data == MAP_FAILED) munmap(begin + before, size);
  errno = error;
  return data;
}
}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, size_t bytes, Reading reading) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw CoreError("IO", "cannot open " + path + ": " + std::strerror(errno));
  struct stat status;
  if (fstat(fd, &status) != 0 || static_cast<size_t>(status.st_size) < bytes) {
    ::close(fd);
    throw CoreError("IO", path + " is shorter than its records");
  }
  // Pages beyond the end cost address space only, and become readable as the file grows into them.
  const size_t wanted = std::max(static_cast<size_t>(status.st_size) * 2, size_t{64} << 20);
  const size_t reserved = (wanted + kHugePage - 1) / kHugePage * kHugePage;
  void* data = map_aligned(fd, reserved);
  if (data == MAP_FAILED) {
    const int error = errno;
    ::close(fd);
    throw CoreError("IO", "cannot map " + path + ": " + std::strerror(error));
  }
#if defined(MADV_HUGEPAGE)
  // Advice: a file system without huge pages refuses it, and nothing is lost.
  if (reading == Reading::kStreamed) madvise(data, reserved, MADV_HUGEPAGE);
#endif
  return std::shared_ptr<const MappedFile>(new MappedFile(fd, data, reserved));
}

MappedFile::~MappedFile() {
  munmap(data_, reserved_);
  ::close(fd_);
}

bool MappedFile::holds(size_t bytes) const {
  struct stat status;
  return fstat(fd_, &status) == 0 && static_cast<size_t>(status.st_size) >= bytes;
}

}  // namespace quarry
