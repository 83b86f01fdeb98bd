// Runs every kernel of every usable level on ragged shapes under the sanitizers (scripts/sanitize-native.sh). Values are
// compared with plain loops in f64; memory errors and undefined behaviour end the program.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "forward/model.h"
#include "forward/noise.h"
#include "kernels/kernels.h"

namespace {

using namespace quarry;

int failures = 0;

void expect(bool ok, const char* level, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "FAILED %s: %s\n", level, what.c_str());
  ++failures;
}

std::vector<float> normals(uint64_t seed, size_t count, float spread = 1) {
  std::vector<float> out(count);
  normal_draws(seed, count, out.data());
  for (float& x : out) x *= spread;
  return out;
}

float as_bf16(const Kernels& kernels, float x) {
  uint16_t half;
  kernels.to_bf16(&x, 1, &half);
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  std::memcpy(&x, &bits, 4);
  return x;
}

// Buffers are exactly as long as the contract says, so that one element too many is an error.
void test_gemm(const Kernels& kernels, Precision precision, size_t m, size_t n, size_t k) {
  const auto a = normals(1, m * k);
  const auto b = normals(2, k * n);
  std::vector<float> c(m * n);
  const RowTiles tiles(m, kernels.tile_rows(precision));
  const size_t panels = round_up(n, kPanel) / kPanel;
  std::vector<char> packed_a(m * stored_k(k, precision) * element_bytes(precision));
  std::vector<char> packed_b(packed_b_bytes(k, n, precision));
  std::vector<float> scratch(kernels.gemm_scratch(precision, tiles.count, panels, k) + 1);
  kernels.pack_a(a.data(), k, m, k, 0, tiles.count, precision, packed_a.data());
  kernels.pack_b(b.data(), n, 0, k, n, 0, k, precision, packed_b.data());
  Gemm g;
  g.precision = precision;
  g.a = packed_a.data();
  g.b = packed_b.data();
  g.m = m;
  g.n = n;
  g.k = k;
  g.c = c.data();
  g.ldc = n;
  for (size_t panel = 0; panel < panels; ++panel) {
    kernels.gemm(precision)(g, 0, tiles.count, panel, panel + 1, scratch.data());
  }
  double worst = 0;
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double exact = 0;
      double size = 1e-30;
      for (size_t p = 0; p < k; ++p) {
        const bool low = precision == Precision::kBf16;
        const double x = low ? as_bf16(kernels, a[i * k + p]) : a[i * k + p];
        const double y = low ? as_bf16(kernels, b[p * n + j]) : b[p * n + j];
        exact += x * y;
        size += std::fabs(x * y);
      }
      worst = std::max(worst, std::fabs(c[i * n + j] - exact) / size);
    }
  }
  expect(worst <= 2 * std::sqrt(static_cast<double>(k)) * 0x1p-24, isa_name(kernels.isa),
         "product " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
}

void test_rows(const Kernels& kernels) {
  for (const size_t width : {2, 4, 18, 33, 256}) {
    const size_t rows = 31;
    const auto x = normals(3, rows * width);
    const auto gamma = normals(4, width);
    const auto beta = normals(5, width);
    std::vector<float> y(rows * width);
    LayerNorm norm;
    norm.x = x.data();
    norm.rows = rows;
    norm.width = width;
    norm.gamma = gamma.data();
    norm.beta = beta.data();
    norm.precision = Precision::kF32;
    norm.y = y.data();
    kernels.layer_norm(norm, 0, RowTiles(rows, kernels.tile_rows_f32).count, nullptr);
    for (size_t r = 0; r < rows; ++r) {
      double mean = 0;
      double variance = 0;
      for (size_t i = 0; i < width; ++i) mean += x[r * width + i] / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) variance += std::pow(x[r * width + i] - mean, 2) / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) {
        const double exact = (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * gamma[i] + beta[i];
        expect(std::fabs(y[r * width + i] - exact) < 1e-4, isa_name(kernels.isa), "layer norm");
      }
    }
  }
  for (const size_t count : {1, 7, 16, 33}) {
    const auto x = normals(6, count, 3);
    std::vector<float> y(count);
    kernels.gelu(x.data(), count, y.data());
    for (size_t i = 0; i < count; ++i) {
      const double exact = 0.5 * x[i] * (1 + std::erf(x[i] / std::sqrt(2.0)));
      expect(std::fabs(y[i] - exact) <= 2e-7 * std::fabs(x[i]) + 1e-12, isa_name(kernels.isa), "gelu");
    }
    std::vector<uint16_t> half(count);
    kernels.to_bf16(x.data(), count, half.data());
    std::vector<double> sums(count, 0.0);
    kernels.accumulate(x.data(), count, sums.data());
    expect(sums[0] == x[0], isa_name(kernels.isa), "accumulate");
  }
  const auto projections = normals(7, 256, 100);
  expect(std::isfinite(kernels.sig_reg(projections.data(), 256)), isa_name(kernels.isa), "sig_reg");
  const auto logits = normals(8, 264);
  expect(kernels.cross_entropy(logits.data(), 264, 263) > 0, isa_name(kernels.isa), "cross-entropy");
}

// Whole models of odd sizes, from a file, through the packed cache; f32 at every level must agree with serial.
struct Outcome {
  std::vector<SampleScore> scores;
  std::vector<std::vector<float>> gradients;
};

Outcome run_model(Isa isa, Precision precision, const std::string& directory, size_t tokens) {
  ModelShape shape{12, 3, 2, 37, 264, tokens, 2};
  const size_t e = shape.embedding;
  std::vector<size_t> counts = {shape.vocabulary * e};
  for (size_t l = 0; l < shape.layers; ++l) {
    for (const size_t n :
         {e, e, e * e, e, e * e, e, e * e, e, e * e, e, e, e, e * shape.hidden, shape.hidden, shape.hidden * e, e}) {
      counts.push_back(n);
    }
  }
  for (const size_t n : {e, e, e * shape.vocabulary, shape.vocabulary}) counts.push_back(n);
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
  const auto direction = normals(99, e);
  for (const auto& sample : samples) outcome.gradients.push_back(model.byte_gradient(sample, direction, precision, nullptr));
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
    expect(sum.load() == (round % 7) * (round % 7 + 1) / 2, "pool", "every task runs once");
  }
}

}  // namespace

int main() {
  char directory[] = "/tmp/quarry-sanitize-XXXXXX";
  if (mkdtemp(directory) == nullptr) return 1;
  test_pool();
  for (const size_t tokens : {5, 33}) {
    const auto want = run_model(Isa::kSerial, Precision::kF32, directory, tokens);
    for (uint32_t bit = 1; bit <= 32; bit *= 2) {
      if ((usable_isa_mask() & bit) == 0) continue;
      const auto isa = static_cast<Isa>(bit);
      for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
        const auto got = run_model(isa, precision, directory, tokens);
        const float limit = precision == Precision::kF32 ? 1e-4f : 5e-2f;
        for (size_t i = 0; i < got.scores.size(); ++i) {
          const float loss = want.scores[i].loss;
          expect(std::fabs(got.scores[i].loss - loss) <= limit * std::max(1.0f, loss), isa_name(isa), "loss");
          expect(difference(got.gradients[i], want.gradients[i]) <= limit, isa_name(isa), "gradient");
        }
      }
    }
  }
  for (uint32_t bit = 1; bit <= 32; bit *= 2) {
    if ((usable_isa_mask() & bit) == 0) continue;
    const Kernels& kernels = kernels_for(static_cast<Isa>(bit));
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      test_gemm(kernels, precision, 1, 1, 1);
      test_gemm(kernels, precision, 17, 33, 7);
      test_gemm(kernels, precision, 43, 70, 66);
      test_gemm(kernels, precision, 5, 9, 4501);
    }
    test_rows(kernels);
    std::printf("%s ok\n", isa_name(kernels.isa));
  }
  const std::string remove = std::string("rm -r ") + directory;
  if (std::system(remove.c_str()) != 0) return 1;
  return failures == 0 ? 0 : 1;
}
