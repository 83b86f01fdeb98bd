#include "distance/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace quarry {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw CoreError("IO", "cannot open " + path + ": " + std::strerror(errno));
  struct stat status;
  if (fstat(fd, &status) != 0 || static_cast<size_t>(status.st_size) < bytes) {
    ::close(fd);
    throw CoreError("IO", path + " is shorter than its records");
  }
  // Pages beyond the end cost address space only, and become readable as the file grows into them.
  const size_t reserved = std::max(static_cast<size_t>(status.st_size) * 2, size_t{64} << 20);
  void* data = mmap(nullptr, reserved, PROT_READ, MAP_SHARED, fd, 0);
  const int error = errno;
  ::close(fd);
  if (data == MAP_FAILED) throw CoreError("IO", "cannot map " + path + ": " + std::strerror(error));
  return std::shared_ptr<const MappedFile>(new MappedFile(data, reserved));
}

MappedFile::~MappedFile() { munmap(data_, reserved_); }

}  // namespace quarry
