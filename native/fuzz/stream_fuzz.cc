// The single pass of a download: hash, decrypt, write and pack what a host sends, from the start or resumed.
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "core/error.h"
#include "forward/weights_stream.h"
#include "fuzz/tensors.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

struct Download {
  std::vector<uint8_t> key, sent;
  uint64_t start, size;
  std::array<uint8_t, 32> checksum;
};

/// Encrypts the weights, as their publisher does.
Download encrypted(Input& in, const Weights& weights, const HashingCipherKernels& kernels) {
  Download download;
  download.key = in.bytes(32);
  download.size = weights.bytes.size();
  download.start = in.ConsumeBool() ? 0 : in.size(0, weights.bytes.size() / 4096) * 4096;
  download.sent.resize(weights.bytes.size());
  HashingCipher cipher(kernels, download.key.data());
  cipher.encrypt(reinterpret_cast<const uint8_t*>(weights.bytes.data()), download.sent.data(), download.sent.size());
  cipher.digest(download.checksum.data());
  return download;
}

void receive(Input& in, const Download& download, const std::string& path, std::unique_ptr<WeightsPacker> packer,
             const HashingCipherKernels& kernels, const std::vector<char>& plain, bool intact) {
  WeightsStream stream(path, download.start, download.size, kernels, download.key.data());
  if (download.start > 0) {
    if (packer != nullptr) stream.pack_into(std::move(packer));
    stream.recover(nullptr);
  }
  size_t at = download.start;
  while (at < download.sent.size() && !in.chance(64)) {
    std::vector<std::pair<const uint8_t*, size_t>> pieces;
    for (size_t count = in.size(1, 4); count > 0; --count) {
      const size_t some = std::min(in.ConsumeBool() ? in.size(0, 300) : size_t{20'000}, download.sent.size() - at);
      pieces.emplace_back(download.sent.data() + at, some);
      at += some;
    }
    // A host may send more than it announced.
    if (in.chance(32)) pieces.emplace_back(download.sent.data(), download.sent.size());
    stream.push(pieces, nullptr);
    if (packer != nullptr) stream.pack_into(std::move(packer));
  }
  const bool whole = at == download.sent.size();
  const auto checksum = stream.finish();
  // Where an earlier download was cut off there are zeros now, which the checksum detects.
  require(!whole || !intact || checksum == download.checksum, "the checksum of what came");
  if (!whole || checksum != download.checksum) return;
  stream.publish();
  std::ifstream file(path, std::ios::binary);
  require(std::vector<char>{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()} == plain,
          "the plaintext on disk");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(in.level());
  if (kernels == nullptr) return 0;
  const ModelShape shape = in.shape();
  const Precision precision = in.precision();
  const Weights weights = make_weights(in, shape, in.ConsumeBool() ? 2 : 0);
  const Download download = encrypted(in, weights, *kernels);
  const std::string path = folder() + "/weights";
  // What an earlier download left, which may have been cut since.
  const size_t left = in.chance(16) ? in.size(0, download.start) : download.start;
  write_file(path, weights.bytes.data(), left);
  try {
    std::unique_ptr<WeightsPacker> packer;
    if (in.ConsumeBool()) {
      packer = std::make_unique<WeightsPacker>(shape, precision, weights.tensors, weights.bytes.size(),
                                               kernels_for(in.level()), folder(), "sum");
    }
    const bool packs = packer != nullptr;
    receive(in, download, path, std::move(packer), *kernels, weights.bytes, left == download.start);
    struct stat info;
    if (packs && ::stat(PackedWeights::path_of(shape, precision, folder(), "sum").c_str(), &info) == 0) {
      require(PackedWeights::map(shape, precision, folder(), "sum") != nullptr, "what is published can be mapped");
    }
  } catch (const CoreError&) {
  }
  ::unlink(PackedWeights::path_of(shape, precision, folder(), "sum").c_str());
  return 0;
}
