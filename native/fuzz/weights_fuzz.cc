// The packer: tensors wherever an untrusted header puts them, bytes in pieces of any length.
#include <memory>

#include "core/aligned_buffer.h"
#include "core/error.h"
#include "forward/tensor_sources.h"
#include "forward/weights_packer.h"
#include "fuzz/tensors.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

/// The packed form; empty where the packer refuses.
std::vector<char> pack(const ModelShape& shape, Precision precision, const Weights& weights, Isa isa,
                       const std::vector<size_t>& pieces, ThreadPool* pool) {
  AlignedBuffer<char> memory(PackedWeights::bytes_of(shape, precision));
  std::memset(memory.data(), 0, memory.size());
  try {
    WeightsPacker packer(shape, precision, weights.tensors, weights.bytes.size(), kernels_for(isa), memory.data());
    size_t at = 0;
    for (size_t i = 0; at < weights.bytes.size(); ++i) {
      const size_t size = std::min(pieces[i % pieces.size()], weights.bytes.size() - at);
      // Exactly as long as its contents, for the address sanitizer.
      const auto piece = std::make_unique<char[]>(size);
      std::memcpy(piece.get(), weights.bytes.data() + at, size);
      packer.consume(piece.get(), size, pool, nullptr);
      at += size;
    }
    packer.finish();
  } catch (const CoreError&) {
    return {};
  }
  return {memory.data(), memory.data() + memory.size()};
}

void check_triples(Input& in) {
  std::vector<double> numbers(in.size(0, 9));
  for (double& x : numbers) {
    const uint64_t bits = in.ConsumeIntegral<uint64_t>();
    if (in.ConsumeBool()) x = static_cast<double>(in.hostile());
    else std::memcpy(&x, &bits, sizeof x);
  }
  std::vector<TensorSource> sources;
  if (tensor_sources(numbers.data(), numbers.size(), &sources)) {
    require(sources.size() * 3 == numbers.size(), "a source for every triple");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ThreadPool pool(2);
  Input in(data, size);
  if (in.chance(16)) return check_triples(in), 0;
  const ModelShape shape = in.shape();
  const Precision precision = in.precision();
  const Isa isa = in.level();
  std::vector<size_t> pieces(in.size(1, 6));
  for (size_t& piece : pieces) piece = in.chance(3) ? in.size(1, 16) : in.size(1, 30'000);
  ThreadPool* const with = in.ConsumeBool() ? &pool : nullptr;
  const Weights weights = make_weights(in, shape, 3);
  if (pieces.front() < 64) pieces.push_back(5'000);
  const auto packed = pack(shape, precision, weights, isa, pieces, with);
  const auto at_once = pack(shape, precision, weights, Isa::kSerial, {weights.bytes.size() + 1}, nullptr);
  require(packed == at_once, "the packed form does not depend on pieces, threads or level");
  return 0;
}
