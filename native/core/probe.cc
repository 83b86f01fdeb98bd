#include "core/probe.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/aligned_buffer.h"

namespace quarry {

namespace {
double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
}  // namespace

double probe_fma(const Kernels& kernels, Precision precision, ThreadPool& pool, double seconds) {
  const auto probe = precision == Precision::kBf16 ? kernels.probe_fma_bf16 : kernels.probe_fma_f32;
  const unsigned threads = pool.threads();
  std::vector<double> flops(threads, 0.0);
  std::vector<float> sinks(threads * 16, 0.0f);
  double best = 0;
  const double end = now() + seconds;
  do {
    const double begin = now();
    pool.run(threads, nullptr, [&](size_t task, unsigned) {
      float* sink = sinks.data() + task * 16;
      sink[0] = 0;
      sink[1] = 1e-9f;
      flops[task] = probe(500'000, sink);
    });
    const double took = now() - begin;
    double all = 0;
    for (const double f : flops) all += f;
    best = std::max(best, all / took);
  } while (now() < end);
  return best;
}

double probe_read(ThreadPool& pool, size_t bytes, int passes) {
  const size_t block = size_t{1} << 20;
  const size_t blocks = std::max<size_t>(1, bytes / block);
  AlignedBuffer<uint64_t> memory(blocks * block / 8);
  std::memset(memory.data(), 1, blocks * block);
  std::vector<uint64_t> sinks(pool.threads() * 8, 0);
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    const double begin = now();
    pool.run(blocks, nullptr, [&](size_t task, unsigned thread) {
      const uint64_t* from = memory.data() + task * (block / 8);
      uint64_t sum[8] = {};
      for (size_t i = 0; i < block / 8; i += 8) {
        for (size_t j = 0; j < 8; ++j) sum[j] += from[i + j];
      }
      for (size_t j = 0; j < 8; ++j) sinks[thread * 8] += sum[j];
    });
    best = std::max(best, static_cast<double>(blocks * block) / (now() - begin));
  }
  volatile uint64_t keep = sinks[0];
  (void)keep;
  return best;
}

}  // namespace quarry
