// Loaded before libc into the process that is soaked: calls on one file system fail as those of a disk that breaks.
// RUDE_DISK_DIR is where that file system is mounted. RUDE_DISK_CONTROL is a file of 32-bit words: first what is wrong
// now, then how often each kind of fault was met, by its number. Where RUDE_DISK_UNREADABLE is set, reads fail of files whose
// names end so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { kWell, kFull, kWriteErrors, kReadOnly, kReadErrors, kShortWrites, kFaults };

static _Atomic unsigned none[1 + kFaults];
static _Atomic unsigned *control = none;
static dev_t device;
static const char *dir = "";
static size_t dir_length;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("RUDE_DISK_CONTROL");
  const char *mounted = getenv("RUDE_DISK_DIR");
  struct stat status;
  if (path == NULL || mounted == NULL || stat(mounted, &status) != 0) return;
  int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *words = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (words == MAP_FAILED) return;
  device = status.st_dev;
  dir = mounted;
  dir_length = strlen(mounted);
  control = words;
}

static int met(enum fault fault) {
  control[1 + fault]++;
  return 1;
}

static int on_disk(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_dev == device;
}

static int below(const char *path) { return dir_length > 0 && path != NULL && strncmp(path, dir, dir_length) == 0; }

// Whether a change of the disk fails now, with errno set.
static int change_fails(int concerned) {
  unsigned now = control[0];
  if ((now != kWriteErrors && now != kReadOnly) || !concerned) return 0;
  errno = now == kReadOnly ? EROFS : EIO;
  return met(now);
}

// Descriptors whose reads do not fail: databases, as a read that fails is damage to SQLite, or all but RUDE_DISK_UNREADABLE.
enum { kDescriptors = 65536 };
static unsigned char spared[kDescriptors];

static int opened(int fd, const char *path) {
  if (fd < 0 || fd >= kDescriptors || path == NULL) return fd;
  const char *only = getenv("RUDE_DISK_UNREADABLE");
  const size_t length = strlen(path), end = only == NULL ? 0 : strlen(only);
  spared[fd] = only == NULL ? strstr(path, ".db") != NULL : length < end || strcmp(path + length - end, only) != 0;
  return fd;
}

static int read_fails(int fd) {
  if (control[0] != kReadErrors || !on_disk(fd) || (fd < kDescriptors && spared[fd])) return 0;
  errno = EIO;
  return met(kReadErrors);
}

// What of a write goes through.
static size_t admitted(int fd, size_t bytes) {
  return control[0] == kShortWrites && bytes > 1 && on_disk(fd) && met(kShortWrites) ? bytes / 2 : bytes;
}

static ssize_t noted(ssize_t written) {
  if (written < 0 && errno == ENOSPC) met(kFull);
  return written;
}

#define CHANGE(fd, call) (control[0] > kFull && change_fails(on_disk(fd)) ? -1 : noted(call))

ssize_t write(int fd, const void *from, size_t n) { return CHANGE(fd, REAL(write)(fd, from, admitted(fd, n))); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
  return CHANGE(fd, REAL(pwrite)(fd, from, admitted(fd, n), at));
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
  return CHANGE(fd, REAL(pwrite64)(fd, from, admitted(fd, n), at));
}
ssize_t writev(int fd, const struct iovec *parts, int n) { return CHANGE(fd, REAL(writev)(fd, parts, n)); }
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) {
  return CHANGE(fd, REAL(pwritev)(fd, parts, n, at));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int n, off64_t at) {
  return CHANGE(fd, REAL(pwritev64)(fd, parts, n, at));
}
int fsync(int fd) { return CHANGE(fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return CHANGE(fd, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t to) { return CHANGE(fd, REAL(ftruncate)(fd, to)); }
int ftruncate64(int fd, off64_t to) { return CHANGE(fd, REAL(ftruncate64)(fd, to)); }
int fallocate(int fd, int mode, off_t at, off_t n) { return CHANGE(fd, REAL(fallocate)(fd, mode, at, n)); }
int fallocate64(int fd, int mode, off64_t at, off64_t n) { return CHANGE(fd, REAL(fallocate64)(fd, mode, at, n)); }

ssize_t read(int fd, void *to, size_t n) { return read_fails(fd) ? -1 : REAL(read)(fd, to, n); }
ssize_t pread(int fd, void *to, size_t n, off_t at) { return read_fails(fd) ? -1 : REAL(pread)(fd, to, n, at); }
ssize_t pread64(int fd, void *to, size_t n, off64_t at) { return read_fails(fd) ? -1 : REAL(pread64)(fd, to, n, at); }

int rename(const char *from, const char *to) { return change_fails(below(to)) ? -1 : noted(REAL(rename)(from, to)); }
int unlink(const char *path) { return change_fails(below(path)) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { return change_fails(below(path)) ? -1 : noted(REAL(mkdir)(path, mode)); }

#define OPEN(name, real, ...)                                                        \
  {                                                                                  \
    mode_t mode = 0;                                                                 \
    if (flags & (O_CREAT | O_TMPFILE)) {                                             \
      va_list rest;                                                                  \
      va_start(rest, flags);                                                         \
      mode = va_arg(rest, mode_t);                                                   \
      va_end(rest);                                                                  \
    }                                                                                \
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));    \
    return writes && change_fails(below(path)) ? -1 : opened(noted(real(__VA_ARGS__, mode)), path); \
  }
int open(const char *path, int flags, ...) OPEN(open, REAL(open), path, flags)
int open64(const char *path, int flags, ...) OPEN(open64, REAL(open64), path, flags)
int openat(int at, const char *path, int flags, ...) OPEN(openat, REAL(openat), at, path, flags)
int openat64(int at, const char *path, int flags, ...) OPEN(openat64, REAL(openat64), at, path, flags)
