// Runs every kernel of every usable level on ragged shapes under the sanitizers (scripts/sanitize-native.sh). Values are
// compared with plain loops in f64; memory errors and undefined behaviour end the program.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "forward/model.h"
#include "forward/noise.h"
#include "kernels/whole.h"
#include "test/expect.h"
#include "test/tensor_sizes.h"

namespace {

using namespace quarry;

std::vector<float> normals(uint64_t seed, size_t count, float spread = 1) {
  std::vector<float> out(count);
  normal_draws(seed, count, out.data());
  for (float& x : out) x *= spread;
  return out;
}

// Buffers are exactly as long as the contract says, so that one element too many is an error.
void test_gemm(const Kernels& kernels, Precision precision, size_t m, size_t n, size_t k) {
  const auto a = normals(1, m * k);
  const auto b = normals(2, k * n);
  std::vector<float> c(m * n);
  const WholeGemm<std::vector<char>> product(kernels, precision, m, n, k, a.data(), b.data(), c.data());
  std::vector<float> scratch(product.scratch_floats(product.tiles.count, product.panels));
  for (size_t panel = 0; panel < product.panels; ++panel) {
    product.run(0, product.tiles.count, panel, panel + 1, scratch.data());
  }
  double worst = 0;
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) worst = std::max(worst, product.error(i, j));
  }
  const std::string shape = "product " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  expect(worst <= 2 * std::sqrt(static_cast<double>(k)) * 0x1p-24, shape.c_str(), kernels.isa);
}

void test_error_of_nan(const Kernels& kernels) {
  const float one = 1;
  float c = NAN;
  const WholeGemm<std::vector<char>> product(kernels, Precision::kF32, 1, 1, 1, &one, &one, &c);
  expect(std::max(0.0, product.error(0, 0)) > 1, "a product that is not a number is an error", kernels.isa);
}

void test_rows(const Kernels& kernels) {
  for (const size_t width : {2, 4, 18, 33, 256}) {
    const size_t rows = 31;
    const auto x = normals(3, rows * width);
    const auto gamma = normals(4, width);
    const auto beta = normals(5, width);
    std::vector<float> y(rows * width);
    layer_norm_rows(kernels, x.data(), rows, width, gamma.data(), beta.data(), y.data());
    for (size_t r = 0; r < rows; ++r) {
      double mean = 0;
      double variance = 0;
      for (size_t i = 0; i < width; ++i) mean += x[r * width + i] / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) variance += std::pow(x[r * width + i] - mean, 2) / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) {
        const double exact = (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * gamma[i] + beta[i];
        expect(std::fabs(y[r * width + i] - exact) < 1e-4, "layer norm", kernels.isa);
      }
    }
  }
  for (const size_t count : {1, 7, 16, 33}) {
    const auto x = normals(6, count, 3);
    std::vector<float> y(count);
    kernels.gelu(x.data(), count, y.data());
    for (size_t i = 0; i < count; ++i) {
      const double exact = 0.5 * x[i] * (1 + std::erf(x[i] / std::sqrt(2.0)));
      expect(std::fabs(y[i] - exact) <= 2e-7 * std::fabs(x[i]) + 1e-12, "gelu", kernels.isa);
    }
    std::vector<uint16_t> half(count);
    kernels.to_bf16(x.data(), count, half.data());
    std::vector<double> sums(count, 0.0);
    kernels.accumulate(x.data(), count, sums.data());
    expect(sums[0] == x[0], "accumulate", kernels.isa);
  }
  const auto projections = normals(7, 256, 100);
  expect(std::isfinite(kernels.sig_reg(projections.data(), 256)), "sig_reg", kernels.isa);
  const auto logits = normals(8, 264);
  expect(kernels.cross_entropy(logits.data(), 264, 263) > 0, "cross-entropy", kernels.isa);
}

// Whole models of odd sizes, from a file, through the packed cache; f32 at every level must agree with serial.
struct Outcome {
  std::vector<SampleScore> scores;
  std::vector<std::vector<float>> gradients;
  std::vector<float> mixture;
};

Outcome run_model(Isa isa, Precision precision, const std::string& directory, size_t tokens) {
  ModelShape shape{12, 3, 2, 37, 264, tokens, 2};
  const std::vector<size_t> counts = tensor_sizes(shape);
  const std::string path = directory + "/weights";
  ModelOptions options;
  options.shape = shape;
  options.isa = isa;
  options.threads = 2;
  options.weights_path = path;
  options.cache_dir = directory;
  options.checksum = std::string(isa_name(isa)) + std::to_string(tokens);
  FILE* file = std::fopen(path.c_str(), "wb");
  uint64_t offset = 3;  // unaligned on purpose
  std::fwrite("   ", 1, 3, file);
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto values = normals(100 + i, counts[i], 0.3f);
    std::fwrite(values.data(), 4, values.size(), file);
    options.tensors.push_back({Dtype::kF32, offset, counts[i] * 4});
    offset += counts[i] * 4;
  }
  std::fclose(file);
  Model model(options);
  std::vector<std::vector<uint8_t>> samples;
  for (const size_t length : {size_t{1}, tokens - 1, tokens, tokens + 1, 3 * tokens}) {
    samples.emplace_back(length);
    for (size_t i = 0; i < length; ++i) samples.back()[i] = static_cast<uint8_t>(i * 31 + length);
  }
  Outcome outcome;
  outcome.scores = model.score(samples, 0, precision, tokens, nullptr);
  const auto direction = normals(99, shape.embedding);
  for (const auto& sample : samples) outcome.gradients.push_back(model.byte_gradient(sample, direction, precision, nullptr));
  // Of one byte per position: any row may be a distribution, and this one keeps rounding small.
  std::vector<float> mixture(tokens * kByteValues);
  for (size_t i = 0; i < tokens; ++i) mixture[i * kByteValues + i * 7 % kByteValues] = 1;
  outcome.mixture = model.mixture_gradient(mixture, direction, 0.3f, precision, nullptr).gradient;
  return outcome;
}

// The largest difference beside the largest value.
float difference(const std::vector<float>& got, const std::vector<float>& want) {
  float largest = 1e-30f;
  float worst = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::fabs(want[i]));
    worst = std::max(worst, std::fabs(got[i] - want[i]));
  }
  return worst / largest;
}

void test_pool() {
  ThreadPool pool(3);
  for (size_t round = 0; round < 2000; ++round) {
    std::atomic<size_t> sum{0};
    pool.run(round % 7, nullptr, [&](size_t task, unsigned) { sum.fetch_add(task + 1); });
    expect(sum.load() == (round % 7) * (round % 7 + 1) / 2, "every task runs once", Isa::kSerial);
  }
}

}  // namespace

int main() {
  char directory[] = "/tmp/quarry-sanitize-XXXXXX";
  if (mkdtemp(directory) == nullptr) return 1;
  test_pool();
  for (const size_t tokens : {5, 33}) {
    const auto want = run_model(Isa::kSerial, Precision::kF32, directory, tokens);
    for (const Isa isa : usable_levels()) {
      for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
        const auto got = run_model(isa, precision, directory, tokens);
        const float limit = precision == Precision::kF32 ? 1e-4f : 5e-2f;
        for (size_t i = 0; i < got.scores.size(); ++i) {
          const float loss = want.scores[i].loss;
          expect(std::fabs(got.scores[i].loss - loss) <= limit * std::max(1.0f, loss), "loss", isa);
          expect(difference(got.gradients[i], want.gradients[i]) <= limit, "gradient", isa);
        }
        expect(difference(got.mixture, want.mixture) <= limit, "mixture's gradient", isa);
      }
    }
  }
  for (const Isa isa : usable_levels()) {
    const Kernels& kernels = kernels_for(isa);
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      test_gemm(kernels, precision, 1, 1, 1);
      test_gemm(kernels, precision, 17, 33, 7);
      test_gemm(kernels, precision, 43, 70, 66);
      test_gemm(kernels, precision, 5, 9, 4501);
    }
    test_error_of_nan(kernels);
    test_rows(kernels);
  }
  const std::string remove = std::string("rm -r ") + directory;
  if (std::system(remove.c_str()) != 0) return 1;
  return finish();
}
