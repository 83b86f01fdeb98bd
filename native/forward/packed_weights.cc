#include "forward/packed_weights.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/error.h"

namespace quarry {

namespace {

constexpr char kMagic[8] = {'Q', 'U', 'A', 'R', 'R', 'Y', 'P', 'W'};
// Counts changes of the layout: a file of another version is packed again.
constexpr uint32_t kLayoutVersion = 1;
constexpr size_t kHeaderBytes = 4096;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t precision;
  uint64_t sizes[5];
  uint64_t bytes;
  char checksum[128];
};

[[noreturn]] void throw_errno(const std::string& doing) {
  const int error = errno;
  const char* code = error == ENOSPC || error == EDQUOT ? "DISK_FULL" : "IO";
  throw CoreError(code, doing + ": " + std::strerror(error));
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Mapping {
 public:
  Mapping(int fd, size_t bytes, int protection, int flags) : bytes_(bytes) {
    data_ = mmap(nullptr, bytes, protection, flags, fd, 0);
    if (data_ == MAP_FAILED) throw_errno("mapping weights");
  }
  ~Mapping() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* data() const { return static_cast<char*>(data_); }
  void* release() {
    void* data = data_;
    data_ = nullptr;
    return data;
  }

 private:
  void* data_;
  size_t bytes_;
};

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 31;
  uint32_t fraction = half & 1023;
  uint32_t bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000u | fraction << 13;
  } else if (exponent != 0) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else if (fraction == 0) {
    bits = sign;
  } else {
    uint32_t e = 113;
    while ((fraction & 1024) == 0) {
      fraction <<= 1;
      --e;
    }
    bits = sign | e << 23 | (fraction & 1023) << 13;
  }
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

template <typename T>
void convert_as(const char* source, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, source + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

// Gives addresses to the sections, in file order.
class Cursor {
 public:
  explicit Cursor(char* base) : base_(base), at_(kHeaderBytes) {}
  float* vector(size_t count) { return reinterpret_cast<float*>(take(count * sizeof(float))); }
  void* matrix(size_t k, size_t n, Precision precision) { return take(packed_b_bytes(k, n, precision)); }
  size_t bytes() const { return at_; }

 private:
  char* take(size_t bytes) {
    // Integer arithmetic: measuring the size lays out over no memory at all.
    char* here = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(base_) + at_);
    at_ = round_up(at_ + bytes, 64);
    return here;
  }
  char* base_;
  size_t at_;
};

// Maps the pages of a range at once instead of by one fault each, where the kernel can (Linux 5.14).
void populate(const void* begin, size_t bytes, bool write) {
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
  const uintptr_t page = 4096;
  const uintptr_t first = reinterpret_cast<uintptr_t>(begin) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(begin) + bytes;
  madvise(reinterpret_cast<void*>(first), (end - first + page - 1) / page * page,
          write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
#else
  (void)begin;
  (void)bytes;
  (void)write;
#endif
}

std::string file_name(const ModelShape& s, Precision precision, const std::string& checksum) {
  return checksum + "-" + (precision == Precision::kBf16 ? "bf16" : "f32") + "-v" + std::to_string(kLayoutVersion) +
         "-" + std::to_string(s.embedding) + "x" + std::to_string(s.hidden) + "x" + std::to_string(s.layers) + ".packed";
}

Header make_header(const ModelShape& s, Precision precision, size_t bytes, const std::string& checksum) {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kLayoutVersion;
  header.precision = static_cast<uint32_t>(precision);
  const uint64_t sizes[5] = {s.embedding, s.heads, s.layers, s.hidden, s.vocabulary};
  std::memcpy(header.sizes, sizes, sizeof sizes);
  header.sizes[1] = 0;  // the packed form does not depend on the number of heads
  header.bytes = bytes;
  std::strncpy(header.checksum, checksum.c_str(), sizeof header.checksum - 1);
  return header;
}

}  // namespace

size_t dtype_bytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64:
    case Dtype::kI64:
    case Dtype::kU64:
      return 8;
    case Dtype::kF32:
    case Dtype::kI32:
    case Dtype::kU32:
      return 4;
    case Dtype::kF16:
    case Dtype::kBf16:
    case Dtype::kI16:
      return 2;
    default:
      return 1;
  }
}

void convert_to_f32(Dtype dtype, const char* source, size_t count, float* out) {
  switch (dtype) {
    case Dtype::kF64:
      return convert_as<double>(source, count, out);
    case Dtype::kF32:
      std::memcpy(out, source, count * 4);
      return;
    case Dtype::kF16:
      for (size_t i = 0; i < count; ++i) {
        uint16_t half;
        std::memcpy(&half, source + 2 * i, 2);
        out[i] = half_to_float(half);
      }
      return;
    case Dtype::kBf16:
      for (size_t i = 0; i < count; ++i) {
        uint16_t half;
        std::memcpy(&half, source + 2 * i, 2);
        const uint32_t bits = static_cast<uint32_t>(half) << 16;
        std::memcpy(out + i, &bits, 4);
      }
      return;
    case Dtype::kI64:
      return convert_as<int64_t>(source, count, out);
    case Dtype::kI32:
      return convert_as<int32_t>(source, count, out);
    case Dtype::kI16:
      return convert_as<int16_t>(source, count, out);
    case Dtype::kI8:
      return convert_as<int8_t>(source, count, out);
    case Dtype::kU64:
      return convert_as<uint64_t>(source, count, out);
    case Dtype::kU32:
      return convert_as<uint32_t>(source, count, out);
    case Dtype::kU8:
      return convert_as<uint8_t>(source, count, out);
    case Dtype::kBool:
      for (size_t i = 0; i < count; ++i) out[i] = source[i] != 0 ? 1.0f : 0.0f;
      return;
  }
}

void PackedWeights::lay_out(const ModelShape& s, Precision precision, char* base) {
  Cursor at(base);
  embedding = at.vector(s.vocabulary * s.embedding);
  layers.resize(s.layers);
  for (LayerWeights& layer : layers) {
    layer.norm1_gamma = at.vector(s.embedding);
    layer.norm1_beta = at.vector(s.embedding);
    layer.qkv_bias = at.vector(3 * s.embedding);
    layer.output_bias = at.vector(s.embedding);
    layer.norm2_gamma = at.vector(s.embedding);
    layer.norm2_beta = at.vector(s.embedding);
    layer.inner_bias = at.vector(s.hidden);
    layer.outer_bias = at.vector(s.embedding);
    layer.qkv = at.matrix(s.embedding, 3 * s.embedding, precision);
    layer.output = at.matrix(s.embedding, s.embedding, precision);
    layer.inner = at.matrix(s.embedding, s.hidden, precision);
    layer.outer = at.matrix(s.hidden, s.embedding, precision);
  }
  final_gamma = at.vector(s.embedding);
  final_beta = at.vector(s.embedding);
  predictor_bias = at.vector(s.vocabulary);
  predictor = at.matrix(s.embedding, s.vocabulary, Precision::kF32);
  bytes_ = at.bytes();
}

PackedWeights::~PackedWeights() {
  if (mapping_ != nullptr) munmap(mapping_, bytes_);
}

namespace {

// Fills the sections of `into`, laid out over writable memory, from the mapped weights file.
void pack_all(const PackedWeights& into, const ModelShape& s, Precision precision, const char* file,
              const std::vector<TensorSource>& tensors, const Kernels& kernels, ThreadPool& pool,
              const std::atomic<bool>* abort) {
  size_t next = 0;
  const auto vector = [&](const float* to, size_t count) {
    const TensorSource& t = tensors[next++];
    convert_to_f32(t.dtype, file + t.offset, count, const_cast<float*>(to));
  };
  const auto matrix = [&](const void* to, size_t k, size_t n, size_t column, Precision as) {
    const TensorSource& t = tensors[next++];
    // Rows of a task: about a megabyte of source, whole lines of the file in order.
    const size_t rows = round_up(std::max<size_t>(2, (size_t{1} << 18) / n), 2);
    const size_t tasks = (k + rows - 1) / rows;
    const size_t packed_bytes = packed_b_bytes(k, n, as);
    if (packed_bytes >= size_t{1} << 20) {
      char* region = static_cast<char*>(const_cast<void*>(to)) + column / kPanel * stored_k(k, as) * kPanel * element_bytes(as);
      pool.run(pool.threads(), abort, [&](size_t part, unsigned) {
        const size_t begin = packed_bytes * part / pool.threads();
        populate(region + begin, packed_bytes * (part + 1) / pool.threads() - begin, true);
      });
    }
    pool.run(tasks, abort, [&](size_t task, unsigned) {
      const size_t begin = task * rows;
      const size_t end = std::min(k, begin + rows);
      const char* source = file + t.offset + begin * n * dtype_bytes(t.dtype);
      populate(source, (end - begin) * n * dtype_bytes(t.dtype), false);
      if (t.dtype == Dtype::kF32 && reinterpret_cast<uintptr_t>(source) % 4 == 0) {
        kernels.pack_b(reinterpret_cast<const float*>(source), n, begin, end, n, column, k, as, const_cast<void*>(to));
      } else {
        AlignedBuffer<float> converted((end - begin) * n);
        convert_to_f32(t.dtype, source, (end - begin) * n, converted.data());
        kernels.pack_b(converted.data(), n, begin, end, n, column, k, as, const_cast<void*>(to));
      }
    });
    // The source is read once: its pages need not crowd out others.
    const uintptr_t page = 4096;
    const uintptr_t first = (reinterpret_cast<uintptr_t>(file) + t.offset + page - 1) / page * page;
    const uintptr_t last = (reinterpret_cast<uintptr_t>(file) + t.offset + t.bytes) / page * page;
    if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    if (abort != nullptr && abort->load()) throw CoreError("ABORTED", "packing weights was interrupted");
  };
  const size_t e = s.embedding;
  vector(into.embedding, s.vocabulary * e);
  for (const LayerWeights& layer : into.layers) {
    vector(layer.norm1_gamma, e);
    vector(layer.norm1_beta, e);
    for (size_t part = 0; part < 3; ++part) {
      matrix(layer.qkv, e, e, part * e, precision);
      vector(layer.qkv_bias + part * e, e);
    }
    matrix(layer.output, e, e, 0, precision);
    vector(layer.output_bias, e);
    vector(layer.norm2_gamma, e);
    vector(layer.norm2_beta, e);
    matrix(layer.inner, e, s.hidden, 0, precision);
    vector(layer.inner_bias, s.hidden);
    matrix(layer.outer, s.hidden, e, 0, precision);
    vector(layer.outer_bias, e);
  }
  vector(into.final_gamma, e);
  vector(into.final_beta, e);
  matrix(into.predictor, e, s.vocabulary, 0, Precision::kF32);
  vector(into.predictor_bias, s.vocabulary);
}

void check_sources(const ModelShape& s, const std::vector<TensorSource>& tensors, size_t file_bytes) {
  const size_t e = s.embedding;
  std::vector<size_t> counts = {s.vocabulary * e};
  for (size_t l = 0; l < s.layers; ++l) {
    for (const size_t n : {e, e, e * e, e, e * e, e, e * e, e, e * e, e, e, e, e * s.hidden, s.hidden, s.hidden * e, e}) {
      counts.push_back(n);
    }
  }
  for (const size_t n : {e, e, e * s.vocabulary, s.vocabulary}) counts.push_back(n);
  if (counts.size() != tensors.size()) throw CoreError("ARGUMENT", "wrong number of tensors");
  for (size_t i = 0; i < counts.size(); ++i) {
    const TensorSource& t = tensors[i];
    if (t.bytes != counts[i] * dtype_bytes(t.dtype)) throw CoreError("WEIGHTS", "a tensor has the wrong length");
    if (t.offset > file_bytes || t.bytes > file_bytes - t.offset) {
      throw CoreError("WEIGHTS", "a tensor lies beyond the end of the file");
    }
  }
}

}  // namespace

std::shared_ptr<const PackedWeights> PackedWeights::open(const ModelShape& shape, Precision precision,
                                                         const std::string& weights_path,
                                                         const std::vector<TensorSource>& tensors,
                                                         const std::string& cache_dir, const std::string& checksum,
                                                         const Kernels& kernels, ThreadPool& pool,
                                                         const std::atomic<bool>* abort) {
  std::shared_ptr<PackedWeights> weights(new PackedWeights());
  weights->lay_out(shape, precision, nullptr);
  const size_t bytes = weights->bytes_;
  const Header expected = make_header(shape, precision, bytes, checksum);
  const std::string final_path = cache_dir + "/" + file_name(shape, precision, checksum);

  const auto map_existing = [&]() -> bool {
    const File file(final_path, O_RDONLY);
    struct stat info;
    if (!file.ok() || fstat(file.fd(), &info) != 0 || static_cast<size_t>(info.st_size) != bytes) return false;
    Header found;
    if (pread(file.fd(), &found, sizeof found, 0) != static_cast<ssize_t>(sizeof found) ||
        std::memcmp(&found, &expected, sizeof found) != 0) {
      return false;
    }
    Mapping mapping(file.fd(), bytes, PROT_READ, MAP_SHARED);
    madvise(mapping.data(), bytes, MADV_WILLNEED);  // read ahead while the first chunk begins
    weights->mapping_ = mapping.release();
    weights->lay_out(shape, precision, static_cast<char*>(weights->mapping_));
    return true;
  };

  if (!cache_dir.empty() && map_existing()) return weights;

  const File source(weights_path, O_RDONLY);
  if (!source.ok()) throw_errno("opening the weights file");
  struct stat info;
  if (fstat(source.fd(), &info) != 0) throw_errno("reading the weights file's size");
  const auto source_bytes = static_cast<size_t>(info.st_size);
  check_sources(shape, tensors, source_bytes);
  const Mapping input(source.fd(), source_bytes, PROT_READ, MAP_PRIVATE);
  madvise(input.data(), source_bytes, MADV_SEQUENTIAL);
  weights->packed_now = true;

  if (cache_dir.empty()) {
    Mapping memory(-1, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    madvise(memory.data(), bytes, MADV_HUGEPAGE);
    weights->lay_out(shape, precision, memory.data());
    pack_all(*weights, shape, precision, input.data(), tensors, kernels, pool, abort);
    weights->mapping_ = memory.release();
    return weights;
  }

  // One packer at a time per file; whoever waited finds it done. The lock dies with its holder.
  const std::string lock_path = final_path + ".lock";
  const File lock(lock_path, O_RDWR | O_CREAT);
  if (!lock.ok()) throw_errno("creating a file in the weights cache");
  while (flock(lock.fd(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno("locking the weights cache");
  }
  if (map_existing()) {
    weights->packed_now = false;
    return weights;
  }
  const std::string partial = final_path + "." + std::to_string(getpid()) + ".partial";
  struct Unlink {
    const std::string& path;
    bool armed = true;
    ~Unlink() {
      if (armed) ::unlink(path.c_str());
    }
  } cleanup{partial};
  {
    const File output(partial, O_RDWR | O_CREAT | O_TRUNC);
    if (!output.ok()) throw_errno("creating a file in the weights cache");
    // Reserves the space now: running out of it later would be a signal, not an error.
#if defined(__linux__)
    const int reserved = posix_fallocate(output.fd(), 0, static_cast<off_t>(bytes));
    if (reserved != 0) {
      errno = reserved;
      throw_errno("reserving space in the weights cache");
    }
#else
    if (ftruncate(output.fd(), static_cast<off_t>(bytes)) != 0) throw_errno("reserving space in the weights cache");
#endif
    const Mapping memory(output.fd(), bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
    weights->lay_out(shape, precision, memory.data());
    pack_all(*weights, shape, precision, input.data(), tensors, kernels, pool, abort);
    std::memcpy(memory.data(), &expected, sizeof expected);
    // On disk before it has its name: after a power failure a named file is a whole one.
    if (fsync(output.fd()) != 0) throw_errno("writing packed weights");
  }
  if (::rename(partial.c_str(), final_path.c_str()) != 0) throw_errno("naming packed weights");
  cleanup.armed = false;
  ::unlink(lock_path.c_str());
  if (!map_existing()) throw CoreError("IO", "packed weights cannot be read back");
  return weights;
}

}  // namespace quarry
