#include "core/file_writer.h"

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace quarry {

void throw_errno(const std::string& doing) {
  const int error = errno;
  const char* code = is_disk_full(error) ? "DISK_FULL" : "IO";
  throw CoreError(code, doing + ": " + std::strerror(error));
}

FileWriter::FileWriter(const std::string& path, Access access, int mode) : path_(path), file_(path, access, mode) {
  if (!file_.ok()) throw_errno("opening " + path);
  direct_ = File(path, Access::kDirect);
  thread_ = std::thread([this] { work(); });
}

FileWriter::~FileWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FileWriter::reserve(uint64_t bytes) {
  if (!file_.reserve(bytes)) throw_errno("reserving space for " + path_);
}

uint64_t FileWriter::queue(const char* data, size_t size, uint64_t offset) {
  uint64_t number;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back({data, size, offset});
    number = ++queued_;
  }
  changed_.notify_all();
  return number;
}

void FileWriter::wait(uint64_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= number; });
  if (error_ != 0) {
    errno = error_;
    throw_errno("writing " + path_);
  }
}

void FileWriter::drain() {
  uint64_t last;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last = queued_;
  }
  wait(last);
}

int FileWriter::write(const Write& write) {
  const char* data = write.data;
  size_t size = write.size;
  uint64_t offset = write.offset;
  while (size > 0) {
    const bool aligned = (reinterpret_cast<uintptr_t>(data) | offset) % kDiskBlock == 0 && size >= kDiskBlock;
    const bool direct = direct_.ok() && aligned;
    const size_t part = direct ? size / kDiskBlock * kDiskBlock : size;
    const int64_t written = (direct ? direct_ : file_).write(data, part, offset);
    if (written < 0) {
      if (direct && errno == EINVAL) {
        // Larger blocks than ours, or no direct writes after all.
        direct_.close();
        continue;
      }
      return errno;
    }
    data += written;
    size -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return 0;
}

void FileWriter::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Write next = queue_.front();
    queue_.pop_front();
    if (error_ == 0) {
      lock.unlock();
      const int error = write(next);
      lock.lock();
      if (error_ == 0) error_ = error;
    }
    ++done_;
    changed_.notify_all();
  }
}

}  // namespace quarry
