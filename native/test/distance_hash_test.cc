// Runs the scan and the hash of every usable level against the serial one, over widths and counts that leave tails.
// Meant for address- and undefined-behaviour-sanitizer builds: every buffer is exactly as long as its contents.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "distance/scan.h"
#include "hash/blake2b.h"

using namespace quarry;

namespace {

int failures = 0;

void expect(bool ok, const char* what, Isa isa, size_t a, size_t b) {
  if (ok) return;
  ++failures;
  std::printf("FAILED %s at %s (%zu, %zu)\n", what, isa_name(isa), a, b);
}

std::vector<ScanHit> run(Isa isa, const std::vector<float>* f32, const std::vector<uint16_t>* bf16,
                         const std::vector<float>& targets, const std::vector<float>& thresholds, size_t dim,
                         size_t rows, ScanMode mode) {
  ScanRequest request;
  request.rows.dim = dim;
  request.rows.count = rows;
  if (f32 != nullptr) request.rows.f32 = f32->data();
  else request.rows.bf16 = bf16->data();
  request.targets = targets.data();
  request.thresholds = thresholds.data();
  request.target_count = thresholds.size();
  request.mode = mode;
  request.limit = 3;
  request.to = rows;
  ThreadPool pool(2);
  return scan(request, distance_kernels_for(isa), pool, nullptr);
}

bool same(const std::vector<ScanHit>& a, const std::vector<ScanHit>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].row != b[i].row || a[i].target != b[i].target || a[i].distance != b[i].distance) return false;
  }
  return true;
}

void test_scan(Isa isa) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (size_t dim : {1, 2, 15, 16, 17, 31, 33, 129, 257, 2048}) {
    for (size_t rows : {1, 7, 65, 130}) {
      std::vector<float> f32(rows * dim);
      for (float& x : f32) x = normal(random);
      f32[0] = rows > 1 ? std::nanf("") : f32[0];
      std::vector<uint16_t> bf16(f32.size());
      for (size_t i = 0; i < f32.size(); ++i) bf16[i] = std::isnan(f32[i]) ? 0x7fc0 : float_to_bf16(f32[i]);
      for (size_t count : {1, 2, 3, 18, 50}) {
        std::vector<float> targets(count * dim);
        for (float& x : targets) x = normal(random);
        const std::vector<float> thresholds(count, dim > 100 ? 0.97f : 0.8f);
        for (ScanMode mode : {ScanMode::kAll, ScanMode::kFirst, ScanMode::kClosest}) {
          expect(same(run(isa, &f32, nullptr, targets, thresholds, dim, rows, mode),
                      run(Isa::kSerial, &f32, nullptr, targets, thresholds, dim, rows, mode)),
                 "f32 scan", isa, dim, count);
          expect(same(run(isa, nullptr, &bf16, targets, thresholds, dim, rows, mode),
                      run(Isa::kSerial, nullptr, &bf16, targets, thresholds, dim, rows, mode)),
                 "bf16 scan", isa, dim, count);
        }
      }
    }
  }
}

void test_hash(Isa isa) {
  for (size_t size : {0, 1, 127, 128, 129, 255, 256, 257, 1000}) {
    const auto bytes = std::make_unique<uint8_t[]>(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
    uint8_t digest[2][32];
    for (int k = 0; k < 2; ++k) {
      Blake2b256 hasher(blake2b_kernels_for(k == 0 ? isa : Isa::kSerial));
      const size_t half = size / 3;
      hasher.update(bytes.get(), half);
      hasher.update(bytes.get() + half, size - half);
      hasher.digest(digest[k]);
    }
    expect(std::memcmp(digest[0], digest[1], 32) == 0, "hash", isa, size, 0);
  }
}

}  // namespace

int main() {
  for (Isa isa : {Isa::kSerial, Isa::kNeon, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
    if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0) {
      std::printf("skipped %s: not available here\n", isa_name(isa));
      continue;
    }
    test_scan(isa);
    test_hash(isa);
  }
  std::printf(failures == 0 ? "ok\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
