// Kernels with given dimensions, called as their binding calls them.
#include <cmath>

#include "core/aligned_buffer.h"
#include "forward/noise.h"
#include "fuzz/input.h"
#include "kernels/whole.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

void gemm(Input& in, const Kernels& kernels, bool wild) {
  const Precision precision = in.precision();
  const size_t rows = in.size(1, 40);
  const size_t columns = in.size(1, 100);
  const size_t depth = in.size(1, 70);
  const auto a = in.floats(rows * depth, wild);
  const auto b = in.floats(depth * columns, wild);
  std::vector<float> c(rows * columns);
  const WholeGemm<AlignedBuffer<char>> product(kernels, precision, rows, columns, depth, a.data(), b.data(), c.data());
  AlignedBuffer<float> scratch(product.scratch_floats(product.tiles.count, product.panels));
  product.run(0, product.tiles.count, 0, product.panels, scratch.data());
  if (wild || precision != Precision::kF32) return;
  const double bound = static_cast<double>(depth + 1) * 0x1p-24;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) require(product.error(i, j) <= bound, "a product within its bound");
  }
}

void layer_norm(Input& in, const Kernels& kernels, bool wild) {
  const size_t rows = in.size(1, 30);
  const size_t width = in.size(1, 90);
  const auto x = in.floats(rows * width, wild);
  const auto gamma = in.floats(width, wild);
  const auto beta = in.floats(width, wild);
  std::vector<float> y(x.size());
  layer_norm_rows(kernels, x.data(), rows, width, gamma.data(), beta.data(), y.data());
}

void rows_of_numbers(Input& in, const Kernels& kernels, bool wild) {
  const size_t count = in.size(1, 300);
  const auto x = in.floats(count, wild);
  std::vector<float> y(count);
  std::vector<uint16_t> low(count);
  kernels.gelu(x.data(), count, y.data());
  kernels.to_bf16(x.data(), count, low.data());
  const float loss = kernels.cross_entropy(x.data(), count, static_cast<uint32_t>(in.size(0, count - 1)));
  if (!wild) require(std::isfinite(loss) && loss >= -1e-3f, "the loss of finite logits");
  const auto projections = in.floats(count * 16, wild);
  kernels.sig_reg(projections.data(), projections.size());
  std::vector<float> draws(count);
  normal_draws(in.ConsumeIntegral<uint64_t>(), count, draws.data());
  for (const float z : draws) require(std::isfinite(z), "finite draws");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  const Kernels& kernels = kernels_for(in.level());
  const bool wild = in.ConsumeBool();
  switch (in.size(0, 2)) {
    case 0: gemm(in, kernels, wild); break;
    case 1: layer_norm(in, kernels, wild); break;
    default: rows_of_numbers(in, kernels, wild);
  }
  return 0;
}
