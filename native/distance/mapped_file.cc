#include "distance/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace quarry {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, size_t bytes, Reading reading) {
  File file(path, Access::kRead);
  if (!file.ok()) throw CoreError("IO", "cannot open " + path + ": " + std::strerror(errno));
  const int64_t size = file.size();
  if (size < 0 || static_cast<size_t>(size) < bytes) throw CoreError("IO", path + " is shorter than its records");
  Mapping mapping = Mapping::of_growing_file(file, static_cast<size_t>(size));
  if (mapping.data() == nullptr) throw CoreError("IO", "cannot map " + path + ": " + std::strerror(errno));
  // A file system without huge pages refuses.
  if (reading == Reading::kStreamed) advise(mapping.data(), mapping.size(), Advice::kHugePages);
  return std::shared_ptr<const MappedFile>(new MappedFile(std::move(file), std::move(mapping)));
}

bool MappedFile::holds(size_t bytes) const {
  const int64_t size = file_.size();
  return size >= 0 && static_cast<size_t>(size) >= bytes;
}

}  // namespace quarry
