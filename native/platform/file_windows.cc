#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <algorithm>
#include <cerrno>

#include "platform/file.h"
#include "platform/windows_error.h"

namespace quarry {

namespace {
HANDLE as_handle(intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }

// What others may do meanwhile: everything, as under POSIX and in Node.
constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
// Where a path needs the prefix that lifts the limit of 260 characters; folders have less.
constexpr size_t kLongPath = 240;

std::wstring wide_path(const std::string& path) {
  const int length = static_cast<int>(path.size());
  const int needed = MultiByteToWideChar(CP_UTF8, 0, path.data(), length, nullptr, 0);
  std::wstring wide(static_cast<size_t>(needed), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.data(), length, wide.data(), needed);
  std::replace(wide.begin(), wide.end(), L'/', L'\\');
  const bool drive = wide.size() > 2 && wide[1] == L':' && wide[2] == L'\\';
  return drive && wide.size() >= kLongPath ? L"\\\\?\\" + wide : wide;
}

bool succeeded(BOOL ok) {
  if (!ok) set_errno(GetLastError());
  return ok != 0;
}

OVERLAPPED position(uint64_t offset) {
  OVERLAPPED at = {};
  at.Offset = static_cast<DWORD>(offset);
  at.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return at;
}

// One call takes 32 bits.
DWORD part_of(size_t bytes) { return static_cast<DWORD>(std::min<size_t>(bytes, size_t{1} << 30)); }
}  // namespace

File::File(const std::string& path, Access access, int) {
  if (access == Access::kDirect) {
    errno = EINVAL;
    return;
  }
  const bool reads = access == Access::kRead;
  const DWORD creation = reads ? OPEN_EXISTING : access == Access::kReplace ? CREATE_ALWAYS : OPEN_ALWAYS;
  const HANDLE handle = CreateFileW(wide_path(path).c_str(), reads ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE, kShareAll,
                                    nullptr, creation, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (succeeded(handle != INVALID_HANDLE_VALUE)) handle_ = reinterpret_cast<intptr_t>(handle);
}

void File::close() {
  if (ok()) CloseHandle(as_handle(handle_));
  handle_ = kNone;
}

int64_t File::size() const {
  LARGE_INTEGER size;
  return succeeded(GetFileSizeEx(as_handle(handle_), &size)) ? size.QuadPart : -1;
}

int64_t File::read(void* to, size_t bytes, uint64_t offset) const {
  OVERLAPPED at = position(offset);
  DWORD got = 0;
  if (ReadFile(as_handle(handle_), to, part_of(bytes), &got, &at)) return got;
  const DWORD error = GetLastError();
  if (error == ERROR_HANDLE_EOF) return 0;
  set_errno(error);
  return -1;
}

int64_t File::write(const void* from, size_t bytes, uint64_t offset) const {
  OVERLAPPED at = position(offset);
  DWORD written = 0;
  return succeeded(WriteFile(as_handle(handle_), from, part_of(bytes), &written, &at)) ? written : -1;
}

bool File::resize(uint64_t bytes) const {
  FILE_END_OF_FILE_INFO end;
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(bytes);
  return succeeded(SetFileInformationByHandle(as_handle(handle_), FileEndOfFileInfo, &end, sizeof end));
}

bool File::reserve(uint64_t bytes) const {
  // Less than the file has would cut it.
  const int64_t now = size();
  if (now < 0 || bytes <= static_cast<uint64_t>(now)) return true;
  FILE_ALLOCATION_INFO allocation;
  allocation.AllocationSize.QuadPart = static_cast<LONGLONG>(bytes);
  return succeeded(SetFileInformationByHandle(as_handle(handle_), FileAllocationInfo, &allocation, sizeof allocation)) ||
         !is_disk_full(errno);
}

bool File::sync() const { return succeeded(FlushFileBuffers(as_handle(handle_))); }

bool File::lock() const {
  OVERLAPPED at = position(0);
  return succeeded(LockFileEx(as_handle(handle_), LOCKFILE_EXCLUSIVE_LOCK, 0, MAXDWORD, MAXDWORD, &at));
}

bool rename_file(const std::string& from, const std::string& to) {
  return succeeded(MoveFileExW(wide_path(from).c_str(), wide_path(to).c_str(), MOVEFILE_REPLACE_EXISTING));
}

bool remove_file(const std::string& path) { return succeeded(DeleteFileW(wide_path(path).c_str())); }

bool is_disk_full(int error) { return error == ENOSPC; }

uint64_t process_id() { return GetCurrentProcessId(); }

}  // namespace quarry
#endif
