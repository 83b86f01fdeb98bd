#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <malloc.h>
#include <windows.h>

#include "platform/file.h"
#include "platform/memory.h"
#include "platform/windows_error.h"

namespace quarry {

void advise(const void* begin, size_t bytes, Advice advice) {
  if (advice != Advice::kSoon && advice != Advice::kNow) return;
  WIN32_MEMORY_RANGE_ENTRY range = {const_cast<void*>(begin), bytes};
  PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0);
}

Mapping Mapping::of_file(const File& file, size_t bytes) {
  const auto handle = reinterpret_cast<HANDLE>(file.handle());
  const HANDLE section = CreateFileMappingW(handle, nullptr, PAGE_READONLY, 0, 0, nullptr);
  void* data = section == nullptr ? nullptr : MapViewOfFile(section, FILE_MAP_READ, 0, 0, bytes);
  if (data == nullptr) set_errno(GetLastError());
  if (section != nullptr) CloseHandle(section);  // the view keeps it
  return {static_cast<char*>(data), bytes, true};
}

// A read-only section ends where the file does: what is appended needs another one.
Mapping Mapping::of_growing_file(const File& file, size_t bytes) { return of_file(file, bytes); }

Mapping Mapping::of_memory(size_t bytes) {
  void* data = VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (data == nullptr) set_errno(GetLastError());
  return {static_cast<char*>(data), bytes, false};
}

Mapping::~Mapping() {
  if (data_ == nullptr) return;
  if (file_) UnmapViewOfFile(data_);
  else VirtualFree(data_, 0, MEM_RELEASE);
}

void* allocate_aligned(size_t alignment, size_t bytes) { return _aligned_malloc(bytes, alignment); }

void free_aligned(void* memory) { _aligned_free(memory); }

}  // namespace quarry
#endif
