#include "forward/packed_weights.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/file_writer.h"
#include "forward/weights_packer.h"

namespace quarry {

namespace {

constexpr char kMagic[8] = {'Q', 'U', 'A', 'R', 'R', 'Y', 'P', 'W'};
// Counts changes of the layout: a file of another version is packed again.
constexpr uint32_t kLayoutVersion = 2;
constexpr size_t kHeaderBytes = 4096;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t precision;
  uint64_t sizes[5];
  uint64_t bytes;
  char checksum[128];
};

Mapping mapped(Mapping mapping) {
  if (mapping.data() == nullptr) throw_errno("mapping weights");
  return mapping;
}

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
  void* matrix(size_t k, size_t n, Precision precision) {
    at_ = round_up(at_, kDiskBlock);
    return take(packed_b_bytes(k, n, precision));
  }
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
  }
  final_gamma = at.vector(s.embedding);
  final_beta = at.vector(s.embedding);
  predictor_bias = at.vector(s.vocabulary);
  head_bytes_ = at.bytes();
  for (LayerWeights& layer : layers) {
    layer.qkv = at.matrix(s.embedding, 3 * s.embedding, precision);
    layer.output = at.matrix(s.embedding, s.embedding, precision);
    layer.inner = at.matrix(s.embedding, s.hidden, precision);
    layer.outer = at.matrix(s.hidden, s.embedding, precision);
  }
  predictor = at.matrix(s.embedding, s.vocabulary, Precision::kF32);
  bytes_ = round_up(at.bytes(), kDiskBlock);
}

bool PackedWeights::whole() const { return !file_.ok() || file_.size() == static_cast<int64_t>(bytes_); }

size_t PackedWeights::bytes_of(const ModelShape& shape, Precision precision) {
  PackedWeights weights;
  weights.lay_out(shape, precision, nullptr);
  return weights.bytes_;
}

std::string PackedWeights::path_of(const ModelShape& shape, Precision precision, const std::string& cache_dir,
                                   const std::string& checksum) {
  return cache_dir + "/" + file_name(shape, precision, checksum);
}

void PackedWeights::write_header(const ModelShape& shape, Precision precision, const std::string& checksum, char* to) {
  const Header header = make_header(shape, precision, bytes_of(shape, precision), checksum);
  std::memcpy(to, &header, sizeof header);
}

std::shared_ptr<const PackedWeights> PackedWeights::map(const ModelShape& shape, Precision precision,
                                                        const std::string& cache_dir, const std::string& checksum) {
  const size_t bytes = bytes_of(shape, precision);
  const Header expected = make_header(shape, precision, bytes, checksum);
  File file(path_of(shape, precision, cache_dir, checksum), Access::kRead);
  if (!file.ok() || file.size() != static_cast<int64_t>(bytes)) return nullptr;
  Header found;
  if (file.read(&found, sizeof found, 0) != static_cast<int64_t>(sizeof found) ||
      std::memcmp(&found, &expected, sizeof found) != 0) {
    return nullptr;
  }
  std::shared_ptr<PackedWeights> weights(new PackedWeights());
  weights->mapping_ = mapped(Mapping::of_file(file, bytes));
  advise(weights->mapping_.data(), bytes, Advice::kSoon);  // read ahead while the first chunk begins
  weights->lay_out(shape, precision, weights->mapping_.data());
  weights->file_ = std::move(file);
  return weights;
}

std::shared_ptr<const PackedWeights> PackedWeights::open(const ModelShape& shape, Precision precision,
                                                         const std::string& weights_path,
                                                         const std::vector<TensorSource>& tensors,
                                                         const std::string& cache_dir, const std::string& checksum,
                                                         const Kernels& kernels, ThreadPool& pool,
                                                         const std::atomic<bool>* abort) {
  const auto existing = [&] { return map(shape, precision, cache_dir, checksum); };
  if (!cache_dir.empty()) {
    if (auto weights = existing()) return weights;
  }
  const File source(weights_path, Access::kRead);
  if (!source.ok()) throw_errno("opening the weights file");
  const int64_t source_size = source.size();
  if (source_size < 0) throw_errno("reading the weights file's size");
  const auto source_bytes = static_cast<size_t>(source_size);
  if (source_bytes == 0) throw CoreError("WEIGHTS", "the weights file is empty");
  const auto pack = [&](WeightsPacker& packer) {
    const Mapping input = mapped(Mapping::of_file(source, source_bytes));
    advise(input.data(), source_bytes, Advice::kSequential);
    constexpr size_t step = size_t{4} << 20;
    for (size_t at = 0; at < source_bytes; at += step) {
      const size_t size = std::min(step, source_bytes - at);
      advise(input.data() + at, size, Advice::kNow);
      packer.consume(input.data() + at, size, &pool, abort);
      advise(input.data() + at, size, Advice::kDone);
    }
    packer.finish();
  };

  if (cache_dir.empty()) {
    std::shared_ptr<PackedWeights> weights(new PackedWeights());
    const size_t bytes = bytes_of(shape, precision);
    Mapping memory = mapped(Mapping::of_memory(bytes));
    advise(memory.data(), bytes, Advice::kHugePages);
    WeightsPacker packer(shape, precision, tensors, source_bytes, kernels, memory.data());
    pack(packer);
    weights->packed_now = true;
    weights->mapping_ = std::move(memory);
    weights->lay_out(shape, precision, weights->mapping_.data());
    return weights;
  }

  // One packer at a time per file; the others find it done. The lock dies with its holder.
  const std::string lock_path = path_of(shape, precision, cache_dir, checksum) + ".lock";
  const File lock(lock_path, Access::kCreate);
  if (!lock.ok()) throw_errno("creating a file in the weights cache");
  if (!lock.lock()) throw_errno("locking the weights cache");
  if (auto weights = existing()) return weights;
  {
    WeightsPacker packer(shape, precision, tensors, source_bytes, kernels, cache_dir, checksum);
    pack(packer);
    packer.publish();
  }
  remove_file(lock_path);
  const auto weights = existing();
  if (weights == nullptr) throw CoreError("IO", "packed weights cannot be read back");
  std::const_pointer_cast<PackedWeights>(weights)->packed_now = true;
  return weights;
}

}  // namespace quarry
