// Scoring: weights of any bits, samples of any bytes, a packed file in the cache that another program wrote.
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "forward/model.h"
#include "fuzz/tensors.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

/// Cuts, lengthens or alters the head of the packed file.
void damage(Input& in, const ModelShape& shape, Precision precision) {
  const std::string path = PackedWeights::path_of(shape, precision, folder(), "sum");
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.empty()) return;
  for (size_t edits = in.size(0, 3); edits > 0; --edits) bytes[in.size(0, 200)] = in.ConsumeIntegral<char>();
  if (in.chance(3)) bytes.resize(in.size(0, bytes.size() + 4096));
  write_file(path, bytes.data(), bytes.size());
}

void score(Input& in, const ModelOptions& options, Precision precision) {
  Model model(options);
  std::vector<std::vector<uint8_t>> samples(in.size(1, 4));
  for (auto& sample : samples) sample = in.bytes(in.chance(32) ? 0 : in.size(1, 60));
  const size_t tokens = in.ConsumeBool() ? options.shape.tokens : in.size(1, 40);
  const auto scores = model.score(samples, in.hostile(), precision, tokens, nullptr);
  require(scores.size() == samples.size(), "a score for every sample");
  for (const SampleScore& s : scores) require(s.embedding.size() == options.shape.embedding, "an embedding's width");
  const auto direction = in.floats(options.shape.embedding, in.ConsumeBool());
  const auto gradient = model.byte_gradient(samples.front(), direction, precision, nullptr);
  require(gradient.size() == samples.front().size() * kByteValues, "a gradient's size");
  // Not a distribution, nor a target that has a direction: nothing checks what comes from JavaScript.
  const auto mixture = in.floats(options.shape.tokens * kByteValues, in.ConsumeBool());
  const auto mixed = model.mixture_gradient(mixture, direction, 0.5f, precision, nullptr);
  require(mixed.gradient.size() == mixture.size(), "a mixture's gradient's size");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  ModelOptions options = {};
  options.shape = in.shape();
  options.isa = in.level();
  options.threads = in.chance(8) ? 2 : 1;
  options.weights_path = folder() + "/weights";
  options.checksum = "sum";
  const Precision precision = in.precision();
  const Weights weights = make_weights(in, options.shape, in.chance(8) ? 2 : 0);
  options.tensors = weights.tensors;
  write_file(options.weights_path, weights.bytes.data(), weights.bytes.size());
  if (in.ConsumeBool()) options.cache_dir = folder();
  try {
    if (!options.cache_dir.empty()) {
      Model(options).prepare(precision, nullptr);
      damage(in, options.shape, precision);
    }
    score(in, options, precision);
  } catch (const CoreError&) {
  }
  if (!options.cache_dir.empty()) {
    const std::string packed = PackedWeights::path_of(options.shape, precision, folder(), "sum");
    ::unlink(packed.c_str());
    ::unlink((packed + ".lock").c_str());
  }
  return 0;
}
