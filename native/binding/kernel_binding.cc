#include <algorithm>
#include <chrono>
#include <memory>

#include "binding/async_job.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/register.h"
#include "core/aligned_buffer.h"
#include "core/thread_pool.h"
#include "forward/noise.h"
#include "kernels/whole.h"

namespace quarry::napi {

namespace {

// gemm(isa, precision, m, n, k, a, b, c): c = a b, all row-major f32; a and b are rounded to `precision` first
napi_value gemm(napi_env env, napi_callback_info info) {
  const Args<8> args(env, info);
  Isa isa;
  Precision precision;
  int64_t m;
  int64_t n;
  int64_t k;
  View<float> a;
  View<float> b;
  View<float> c;
  if (!read_level(env, args[0], &isa) || !read_precision(env, args[1], &precision) ||
      !read(env, args[2], &m, "m: expected a number") || !read(env, args[3], &n, "n: expected a number") ||
      !read(env, args[4], &k, "k: expected a number") || !read(env, args[5], &a, "a: expected a Float32Array") ||
      !read(env, args[6], &b, "b: expected a Float32Array") || !read(env, args[7], &c, "c: expected a Float32Array")) {
    return nullptr;
  }
  if (!is_product({m, k}, a.length) || !is_product({k, n}, b.length) || !is_product({m, n}, c.length)) {
    fail(env, "shapes and lengths disagree");
    return nullptr;
  }
  const WholeGemm<AlignedBuffer<char>> product(kernels_for(isa), precision, static_cast<size_t>(m),
                                               static_cast<size_t>(n), static_cast<size_t>(k), a.data, b.data, c.data);
  AlignedBuffer<float> scratch(product.scratch_floats(product.tiles.count, product.panels));
  product.run(0, product.tiles.count, 0, product.panels, scratch.data());
  return undefined(env);
}

// gelu(isa, x, y)
napi_value gelu(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  Isa isa;
  View<float> x;
  View<float> y;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &x, "x: expected a Float32Array") ||
      !read(env, args[2], &y, "y: expected a Float32Array")) {
    return nullptr;
  }
  kernels_for(isa).gelu(x.data, std::min(x.length, y.length), y.data);
  return undefined(env);
}

// toBf16(isa, x, y: Uint16Array)
napi_value to_bf16(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  Isa isa;
  View<float> x;
  View<uint16_t> y;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &x, "x: expected a Float32Array") ||
      !read(env, args[2], &y, "y: expected a Uint16Array")) {
    return nullptr;
  }
  kernels_for(isa).to_bf16(x.data, std::min(x.length, y.length), y.data);
  return undefined(env);
}

// layerNorm(isa, rows, x, gamma, beta, y): returns the largest mean square
napi_value layer_norm(napi_env env, napi_callback_info info) {
  const Args<6> args(env, info);
  Isa isa;
  int64_t rows;
  View<float> x;
  View<float> gamma;
  View<float> beta;
  View<float> y;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &rows, "rows: expected a number") ||
      !read(env, args[2], &x, "x: expected a Float32Array") ||
      !read(env, args[3], &gamma, "gamma: expected a Float32Array") ||
      !read(env, args[4], &beta, "beta: expected a Float32Array") ||
      !read(env, args[5], &y, "y: expected a Float32Array")) {
    return nullptr;
  }
  if (gamma.length != beta.length || !is_product({rows, static_cast<int64_t>(gamma.length)}, x.length) ||
      y.length != x.length) {
    fail(env, "shapes and lengths disagree");
    return nullptr;
  }
  return number(env, layer_norm_rows(kernels_for(isa), x.data, static_cast<size_t>(rows), gamma.length, gamma.data,
                                     beta.data, y.data));
}

// sigReg(isa, projections): I of one token
napi_value sig_reg(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  Isa isa;
  View<float> projections;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &projections, "projections: expected a Float32Array")) {
    return nullptr;
  }
  if (projections.length == 0 || projections.length % 16 != 0) {
    fail(env, "projections: expected a multiple of 16");
    return nullptr;
  }
  return number(env, kernels_for(isa).sig_reg(projections.data, projections.length));
}

// crossEntropy(isa, logits, target)
napi_value cross_entropy(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  Isa isa;
  View<float> logits;
  int64_t target;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &logits, "logits: expected a Float32Array") ||
      !read(env, args[2], &target, "target: expected a number")) {
    return nullptr;
  }
  if (target < 0 || static_cast<size_t>(target) >= logits.length) {
    fail(env, "target: out of range");
    return nullptr;
  }
  return number(env, kernels_for(isa).cross_entropy(logits.data, logits.length, static_cast<uint32_t>(target)));
}

// normalDraws(seed, out)
napi_value normal_draws_call(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  uint64_t seed;
  View<float> out;
  if (!read(env, args[0], &seed, "seed: expected a bigint") ||
      !read(env, args[1], &out, "out: expected a Float32Array")) {
    return nullptr;
  }
  normal_draws(seed, out.length, out.data);
  return undefined(env);
}

// Times a product of the given shape on pseudo-random inputs, after comparing sampled elements with f64.
class BenchGemm : public AsyncJob {
 public:
  Isa isa;
  Precision precision;
  int64_t m, n, k, threads, repeats;

 protected:
  void work() override {
    const auto rows = static_cast<size_t>(m);
    const auto columns = static_cast<size_t>(n);
    const auto depth = static_cast<size_t>(k);
    ThreadPool pool(static_cast<unsigned>(threads));
    AlignedBuffer<float> a(rows * depth);
    AlignedBuffer<float> b(depth * columns);
    AlignedBuffer<float> c(rows * columns);
    uint32_t state = 1;
    const auto fill = [&](AlignedBuffer<float>& to) {
      for (size_t i = 0; i < to.size(); ++i) {
        state = state * 1664525u + 1013904223u;
        to[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
      }
    };
    fill(a);
    fill(b);
    const WholeGemm<AlignedBuffer<char>> product(kernels_for(isa), precision, rows, columns, depth, a.data(), b.data(),
                                                 c.data());
    const size_t tiles = product.tiles.count;
    const size_t panels = product.panels;
    constexpr size_t block_tiles = 10;
    constexpr size_t block_panels = 16;
    // Whole cache lines, so that threads share none.
    const size_t scratch_floats = round_up(product.scratch_floats(block_tiles, block_panels), 16);
    AlignedBuffer<float> scratch(scratch_floats * pool.threads());
    const size_t row_blocks = (tiles + block_tiles - 1) / block_tiles;
    const size_t column_blocks = (panels + block_panels - 1) / block_panels;
    for (int64_t repeat = 0; repeat <= repeats && !aborted(); ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      pool.run(row_blocks * column_blocks, &abort_, [&](size_t task, unsigned thread) {
        const size_t r = task % row_blocks;
        const size_t q = task / row_blocks;
        product.run(r * tiles / row_blocks, (r + 1) * tiles / row_blocks, q * block_panels,
                    std::min(panels, (q + 1) * block_panels), scratch.data() + thread * scratch_floats);
      });
      const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (repeat == 0) {
        for (size_t sample = 0; sample < 256; ++sample) {
          error_ = std::max(error_, product.error(sample * 7919 % rows, sample * 104729 % columns));
        }
      } else {
        seconds_ = std::min(seconds_, took);
      }
    }
  }

  napi_value result(napi_env env) override {
    napi_value out = nullptr;
    napi_create_object(env, &out);
    set(env, out, "seconds", number(env, seconds_));
    set(env, out, "error", number(env, error_));
    return out;
  }

 private:
  double seconds_ = 1e30;
  double error_ = 0;
};

// benchGemm(isa, precision, m, n, k, threads, repeats): { seconds: best, error: relative to sum |a||b| }
napi_value bench_gemm(napi_env env, napi_callback_info info) {
  const Args<7> args(env, info);
  auto job = std::make_unique<BenchGemm>();
  if (!read_level(env, args[0], &job->isa) || !read_precision(env, args[1], &job->precision) ||
      !read(env, args[2], &job->m, "m: expected a number") || !read(env, args[3], &job->n, "n: expected a number") ||
      !read(env, args[4], &job->k, "k: expected a number") ||
      !read(env, args[5], &job->threads, "threads: expected a number") ||
      !read(env, args[6], &job->repeats, "repeats: expected a number")) {
    return nullptr;
  }
  const auto within = [](int64_t value, int64_t most) { return value >= 1 && value <= most; };
  constexpr int64_t most_side = 1 << 16;
  if (!within(job->m, most_side) || !within(job->n, most_side) || !within(job->k, most_side) ||
      !within(job->threads, 1024) || !within(job->repeats, 1 << 20)) {
    return fail(env, "a size is out of range"), nullptr;
  }
  return AsyncJob::start(env, job.release());
}

}  // namespace

void register_kernels(napi_env env, napi_value exports) {
  add_function<gemm>(env, exports, "gemm");
  add_function<gelu>(env, exports, "gelu");
  add_function<to_bf16>(env, exports, "toBf16");
  add_function<layer_norm>(env, exports, "layerNorm");
  add_function<sig_reg>(env, exports, "sigReg");
  add_function<cross_entropy>(env, exports, "crossEntropy");
  add_function<normal_draws_call>(env, exports, "normalDraws");
  add_function<bench_gemm>(env, exports, "benchGemm");
}

}  // namespace quarry::napi
