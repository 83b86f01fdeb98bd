#if !defined(_WIN32)
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "platform/file.h"
#include "platform/memory.h"

namespace quarry {

namespace {
/// Huge pages of x86-64 and of ARM with 4 KiB pages.
constexpr size_t kHugePage = size_t{2} << 20;
constexpr uintptr_t kPage = 4096;

char* mapped(void* data) { return data == MAP_FAILED ? nullptr : static_cast<char*>(data); }

/// Maps `size` bytes, a multiple of kHugePage, at a multiple of it: elsewhere the kernel cannot use huge pages.
char* map_aligned(int fd, size_t size) {
  char* begin = mapped(mmap(nullptr, size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (begin == nullptr) return nullptr;
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  char* data = mapped(mmap(begin + before, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
  const int error = errno;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + size, kHugePage - before);
  if (data == nullptr) munmap(begin + before, size);
  errno = error;
  return data;
}
}  // namespace

void advise(const void* begin, size_t bytes, Advice advice) {
  char* from = static_cast<char*>(const_cast<void*>(begin));
  switch (advice) {
    case Advice::kHugePages:
#if defined(MADV_HUGEPAGE)
      madvise(from, bytes, MADV_HUGEPAGE);
#endif
      return;
    case Advice::kSequential:
      madvise(from, bytes, MADV_SEQUENTIAL);
      return;
    case Advice::kSoon:
      madvise(from, bytes, MADV_WILLNEED);
      return;
    case Advice::kDone:
      madvise(from, bytes, MADV_DONTNEED);
      return;
    case Advice::kNow: {
#if defined(MADV_POPULATE_READ)  // Linux 5.14
      const uintptr_t at = reinterpret_cast<uintptr_t>(begin);
      const uintptr_t first = at / kPage * kPage;
      madvise(reinterpret_cast<void*>(first), (at + bytes - first + kPage - 1) / kPage * kPage, MADV_POPULATE_READ);
#endif
      return;
    }
  }
}

Mapping Mapping::of_file(const File& file, size_t bytes) {
  return {mapped(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, static_cast<int>(file.handle()), 0)), bytes, true};
}

Mapping Mapping::of_growing_file(const File& file, size_t bytes) {
  // Pages beyond the end cost address space only.
  const size_t wanted = std::max(bytes * 2, size_t{64} << 20);
  const size_t reserved = (wanted + kHugePage - 1) / kHugePage * kHugePage;
  return {map_aligned(static_cast<int>(file.handle()), reserved), reserved, true};
}

Mapping Mapping::of_memory(size_t bytes) {
  return {mapped(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), bytes, false};
}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, size_);
}

void* allocate_aligned(size_t alignment, size_t bytes) {
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void free_aligned(void* memory) { std::free(memory); }

}  // namespace quarry
#endif
