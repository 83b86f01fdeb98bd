#pragma once
// Errors of Windows as errno, the language of the callers.
#include <windows.h>

#include <cerrno>

namespace quarry {

inline void set_errno(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
      errno = ENOENT;
      return;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_USER_MAPPED_FILE:
      errno = EACCES;
      return;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
    case ERROR_DISK_QUOTA_EXCEEDED:
      errno = ENOSPC;
      return;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_COMMITMENT_LIMIT:
      errno = ENOMEM;
      return;
    case ERROR_INVALID_PARAMETER:
    case ERROR_FILE_INVALID:
      errno = EINVAL;
      return;
    default:
      errno = EIO;
  }
}

}  // namespace quarry
