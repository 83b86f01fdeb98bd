#pragma once
// What fuzz targets share: structure made of the fuzzer's bytes, and claims that end the process when they do not hold.
#include <fuzzer/FuzzedDataProvider.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "forward/packed_weights.h"
#include "test/expect.h"

namespace quarry::fuzz {

/// Ends the process, as a crash that libFuzzer keeps, unless `ok`.
inline void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  std::abort();
}

/// Structure read from the bytes of one input; zeros behind their end.
class Input : public FuzzedDataProvider {
 public:
  using FuzzedDataProvider::FuzzedDataProvider;

  size_t size(size_t least, size_t most) { return ConsumeIntegralInRange<size_t>(least, most); }
  bool chance(unsigned one_in) { return ConsumeIntegralInRange<unsigned>(1, one_in) == one_in; }

  /// A level this processor can run.
  Isa level() {
    static const std::vector<Isa> usable = usable_levels();
    return usable[size(0, usable.size() - 1)];
  }
  Precision precision() { return ConsumeBool() ? Precision::kBf16 : Precision::kF32; }

  /// What sums, products and casts of sizes trip over, or a small number.
  uint64_t hostile() {
    static constexpr uint64_t kNumbers[] = {0,          1,          4095,       4096,       1ull << 31, 1ull << 32,
                                            1ull << 53, 1ull << 63, ~0ull,      ~0ull - 63, ~0ull / 2,  ~0ull / 4};
    return ConsumeBool() ? kNumbers[size(0, std::size(kNumbers) - 1)] : ConsumeIntegral<uint16_t>();
  }

  /// Numbers of small magnitude, or any bits at all: NaN, infinities and subnormals among them.
  std::vector<float> floats(size_t count, bool wild) {
    std::vector<float> out(count);
    uint32_t state = ConsumeIntegral<uint32_t>();
    for (float& x : out) {
      if (remaining_bytes() > 0) state = wild ? ConsumeIntegral<uint32_t>() : ConsumeIntegral<uint8_t>() * 0x01010101u;
      else state = state * 1664525u + 1013904223u;
      if (wild) std::memcpy(&x, &state, sizeof x);
      else x = static_cast<float>(static_cast<int32_t>(state) >> 8) * 0x1p-20f;
    }
    return out;
  }

  /// `count` bytes, made up where the input ends.
  std::vector<uint8_t> bytes(size_t count) {
    std::vector<uint8_t> out = ConsumeBytes<uint8_t>(count);
    for (size_t i = out.size(); i < count; ++i) out.push_back(static_cast<uint8_t>(i * 37 + (i >> 8)));
    return out;
  }

  /// A model the core accepts, small enough for thousands of them a second.
  ModelShape shape() {
    ModelShape s = {};
    s.heads = size(1, 3);
    s.embedding = s.heads * 2 * size(1, 12);
    s.layers = size(0, 2);
    s.hidden = size(1, 50);
    s.vocabulary = size(258, 275);
    s.tokens = size(1, 12);
    s.batch = size(1, 4);
    return s;
  }
};

/// A folder of this process, whose files each input writes anew.
inline const std::string& folder() {
  static const std::string path = [] {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base == nullptr ? "/tmp" : base) + "/quarry-fuzz-XXXXXX";
    require(mkdtemp(name.data()) != nullptr, "a temporary folder");
    return name;
  }();
  return path;
}

/// Writes a whole file.
inline void write_file(const std::string& path, const void* data, size_t size) {
  FILE* file = std::fopen(path.c_str(), "wb");
  require(file != nullptr, "a temporary file");
  require(std::fwrite(data, 1, size, file) == size, "writing a temporary file");
  std::fclose(file);
}

}  // namespace quarry::fuzz
