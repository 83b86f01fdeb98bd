// Packs weights that arrive in pieces of every kind, and streams an encrypted file to the disk, at every usable level.
// Meant for address- and undefined-behaviour-sanitizer builds: every piece is exactly as long as its contents.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "forward/weights_stream.h"
#include "test/expect.h"
#include "test/tensor_sizes.h"

using namespace quarry;

namespace {

struct Weights {
  std::vector<char> bytes;
  std::vector<TensorSource> tensors;
};

// Tensors one after the other behind a header of `gap` bytes, in the order of packed_weights.h.
Weights make_weights(const ModelShape& s, Dtype dtype, size_t gap) {
  Weights weights;
  weights.bytes.assign(gap, 'h');
  size_t value = 0;
  for (const size_t count : tensor_sizes(s)) {
    weights.tensors.push_back({dtype, weights.bytes.size(), count * dtype_bytes(dtype)});
    for (size_t i = 0; i < count; ++i, ++value) {
      const float x = static_cast<float>(value % 2003) / 64 - 15;
      const auto byte = static_cast<char>(value * 7);
      char element[4] = {byte};
      if (dtype == Dtype::kF32) std::memcpy(element, &x, 4);
      weights.bytes.insert(weights.bytes.end(), element, element + dtype_bytes(dtype));
    }
  }
  return weights;
}

std::vector<char> pack(const ModelShape& shape, Precision precision, const Weights& weights, Isa isa, size_t piece,
                       ThreadPool* pool) {
  std::vector<char> memory(PackedWeights::bytes_of(shape, precision));
  // Sections are aligned in memory as in the file.
  AlignedBuffer<char> aligned(memory.size());
  std::memset(aligned.data(), 0, memory.size());
  WeightsPacker packer(shape, precision, weights.tensors, weights.bytes.size(), kernels_for(isa), aligned.data());
  for (size_t at = 0; at < weights.bytes.size(); at += piece) {
    const size_t size = std::min(piece, weights.bytes.size() - at);
    const auto part = std::make_unique<char[]>(size);
    std::memcpy(part.get(), weights.bytes.data() + at, size);
    packer.consume(part.get(), size, pool, nullptr);
  }
  packer.finish();
  std::memcpy(memory.data(), aligned.data(), memory.size());
  return memory;
}

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void test_stream(const ModelShape& shape, Precision precision, const Weights& weights, Isa isa, size_t start,
                 const std::string& dir) {
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(isa);
  if (kernels == nullptr) return;
  uint8_t key[32] = {3, 1, 4, 1, 5};
  const size_t size = weights.bytes.size();
  std::vector<uint8_t> encrypted(size);
  HashingCipher cipher(*kernels, key);
  cipher.encrypt(reinterpret_cast<const uint8_t*>(weights.bytes.data()), encrypted.data(), size);
  uint8_t digest[32];
  cipher.digest(digest);
  const std::string path = dir + "/weights";
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(weights.bytes.data(), static_cast<std::streamsize>(start));
  }
  {
    WeightsStream stream(path, start, size, *kernels, key);
    const auto packer = [&] {
      return std::make_unique<WeightsPacker>(shape, precision, weights.tensors, size, kernels_for(isa), dir, "sum");
    };
    if (start > 0) {
      stream.pack_into(packer());
      stream.recover(nullptr);
    }
    size_t at = start;
    for (size_t count = 0; at < size; ++count) {
      std::vector<std::pair<const uint8_t*, size_t>> pieces;
      for (const size_t wanted : {size_t{40'001}, size_t{1}, size_t{65'536}}) {
        const size_t part = std::min(wanted, size - at);
        if (part > 0) pieces.emplace_back(encrypted.data() + at, part);
        at += part;
      }
      stream.push(pieces, nullptr);
      if (start == 0 && count == 0) stream.pack_into(packer());
    }
    const auto got = stream.finish();
    expect(std::memcmp(got.data(), digest, 32) == 0, "stream checksum", isa, start, size);
    stream.publish();
  }
  expect(read_file(path) == weights.bytes, "stream file", isa, start, size);
  const std::string packed_path = PackedWeights::path_of(shape, precision, dir, "sum");
  const auto packed = read_file(packed_path);
  auto expected = pack(shape, precision, weights, Isa::kSerial, size, nullptr);
  expect(packed.size() == expected.size(), "packed length", isa, packed.size(), expected.size());
  expect(packed.size() > 4096 && std::memcmp(packed.data() + 4096, expected.data() + 4096, packed.size() - 4096) == 0,
         "packed file", isa, start, size);
  expect(PackedWeights::map(shape, precision, dir, "sum") != nullptr, "mapping", isa, start, size);
  ::unlink(packed_path.c_str());
}

// A stream that is given up leaves what had come, and no packed file.
void test_given_up(const ModelShape& shape, const Weights& weights, Isa isa, const std::string& dir) {
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(isa);
  if (kernels == nullptr) return;
  uint8_t key[32] = {};
  const std::string path = dir + "/weights";
  const std::vector<uint8_t> some(weights.bytes.size() / 2, 9);
  {
    WeightsStream stream(path, 0, weights.bytes.size(), *kernels, key);
    stream.pack_into(std::make_unique<WeightsPacker>(shape, Precision::kBf16, weights.tensors, weights.bytes.size(),
                                                     kernels_for(isa), dir, "sum"));
    stream.push({{some.data(), some.size()}}, nullptr);
    bool refused = false;
    try {
      stream.finish();
    } catch (const CoreError& error) {
      refused = std::strcmp(error.code(), "WEIGHTS") == 0;
    }
    expect(refused, "a file that ends early", isa, 0, 0);
  }
  struct stat info;
  expect(::stat(path.c_str(), &info) == 0 && info.st_size == static_cast<off_t>(some.size()), "what was given up", isa, 0, 0);
  expect(PackedWeights::map(shape, Precision::kBf16, dir, "sum") == nullptr, "nothing packed", isa, 0, 0);
}

}  // namespace

int main() {
  char name[] = "/tmp/quarry-weights-test-XXXXXX";
  if (mkdtemp(name) == nullptr) return 1;
  const std::string dir = name;
  ThreadPool pool(2);
  for (const Isa isa : usable_levels()) {
    // Panels of query, key and value apart, and shared; rows even and odd in number.
    for (const ModelShape& shape : {ModelShape{64, 2, 2, 96, 264, 32, 4}, ModelShape{48, 2, 1, 33, 264, 32, 4}}) {
      for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
        for (const Dtype dtype : {Dtype::kF32, Dtype::kI8}) {
          for (const size_t gap : {size_t{0}, size_t{1001}, size_t{4096}}) {
            const Weights weights = make_weights(shape, dtype, gap);
            const auto expected = pack(shape, precision, weights, Isa::kSerial, weights.bytes.size(), nullptr);
            for (const size_t piece : {size_t{997}, size_t{4096}, size_t{100'000}, weights.bytes.size()}) {
              expect(pack(shape, precision, weights, isa, piece, piece % 2 == 0 ? &pool : nullptr) == expected, "pack",
                     isa, piece, gap);
            }
            for (const size_t start : {size_t{0}, size_t{4096}}) test_stream(shape, precision, weights, isa, start, dir);
            test_given_up(shape, weights, isa, dir);
          }
        }
      }
    }
  }
  ::unlink((dir + "/weights").c_str());
  expect(::rmdir(name) == 0, "files left behind", Isa::kSerial, 0, 0);
  return finish();
}
