// Runs the scan and the hash of every usable level against the serial one, over widths and counts that leave tails.
// Meant for address- and undefined-behaviour-sanitizer builds: every buffer is exactly as long as its contents.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "distance/scan.h"
#include "hash/blake2b.h"
#include "hash/hashing_cipher.h"
#include "test/expect.h"

using namespace quarry;

namespace {

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

/// The definition in plain f64, to 1e-6: no pair clearly within its threshold is missing, no distance differs.
bool as_defined(const std::vector<ScanHit>& hits, const std::vector<float>& rows, const std::vector<float>& targets,
                const std::vector<float>& thresholds, size_t dim) {
  size_t next = 0;
  for (size_t t = 0; t < thresholds.size(); ++t) {
    for (size_t r = 0; r < rows.size() / dim; ++r) {
      double dot = 0;
      double squares[2] = {0, 0};
      for (size_t k = 0; k < dim; ++k) {
        const double x = rows[r * dim + k];
        const double y = targets[t * dim + k];
        dot += x * y;
        squares[0] += x * x;
        squares[1] += y * y;
      }
      const double distance = 1 - dot / std::sqrt(squares[0]) / std::sqrt(squares[1]);
      if (next < hits.size() && hits[next].target == t && hits[next].row == r) {
        if (!(std::fabs(hits[next].distance - distance) < 1e-6)) return false;
        ++next;
      } else if (distance < thresholds[t] - 1e-6) {
        return false;
      }
    }
  }
  return next == hits.size();
}

void test_scan(const std::vector<Isa>& levels) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  // 544: whole steps at every level, and two and a bit of kDistanceDepth.
  for (size_t dim : {1, 2, 15, 16, 17, 31, 33, 129, 257, 544}) {
    for (size_t rows : {1, 7, 65, 130}) {
      std::vector<float> f32(rows * dim);
      for (float& x : f32) x = normal(random);
      f32[0] = rows > 1 ? std::nanf("") : f32[0];
      std::vector<uint16_t> bf16(f32.size());
      for (size_t i = 0; i < f32.size(); ++i) bf16[i] = std::isnan(f32[i]) ? 0x7fc0 : float_to_bf16(f32[i]);
      std::vector<float> widened(f32.size());
      for (size_t i = 0; i < f32.size(); ++i) widened[i] = bf16_to_float(bf16[i]);
      for (size_t count : {1, 2, 3, 18, 50}) {
        std::vector<float> targets(count * dim);
        for (float& x : targets) x = normal(random);
        const std::vector<float> thresholds(count, dim > 100 ? 0.97f : 0.8f);
        for (ScanMode mode : {ScanMode::kAll, ScanMode::kFirst, ScanMode::kClosest}) {
          const auto want = run(Isa::kSerial, &f32, nullptr, targets, thresholds, dim, rows, mode);
          const auto want_low = run(Isa::kSerial, nullptr, &bf16, targets, thresholds, dim, rows, mode);
          if (mode == ScanMode::kAll) {
            expect(as_defined(want, f32, targets, thresholds, dim), "f32 distances", Isa::kSerial, dim, count);
            expect(as_defined(want_low, widened, targets, thresholds, dim), "bf16 distances", Isa::kSerial, dim, count);
          }
          for (Isa isa : levels) {
            expect(same(run(isa, &f32, nullptr, targets, thresholds, dim, rows, mode), want), "f32 scan", isa, dim,
                   count);
            expect(same(run(isa, nullptr, &bf16, targets, thresholds, dim, rows, mode), want_low), "bf16 scan", isa,
                   dim, count);
          }
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

// Against the key stream alone and the serial hash; pieces that leave every kind of rest, both directions, in place.
void test_cipher(Isa isa) {
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(isa);
  if (kernels == nullptr) {
    std::printf("skipped the cipher at %s: no AES instructions\n", isa_name(isa));
    return;
  }
  uint8_t key[32];
  for (int i = 0; i < 32; ++i) key[i] = static_cast<uint8_t>(i * 11);
  AesKeys keys;
  kernels->expand(key, &keys);
  // FIPS 197, appendix A.3: the last round key of the example key there.
  const uint8_t example[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
                               0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
                               0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
  const uint8_t last[16] = {0xfe, 0x48, 0x90, 0xd1, 0xe6, 0x18, 0x8d, 0x0b,
                            0x04, 0x6d, 0xf3, 0x44, 0x70, 0x6c, 0x63, 0x1e};
  AesKeys expanded;
  kernels->expand(example, &expanded);
  expect(std::memcmp(expanded.round[14], last, 16) == 0, "key schedule", isa, 0, 0);

  for (size_t size : {0, 1, 127, 128, 129, 255, 256, 257, 640, 1000, 4096, 5001}) {
    const auto plain = std::make_unique<uint8_t[]>(size);
    const auto encrypted = std::make_unique<uint8_t[]>(size);
    for (size_t i = 0; i < size; ++i) plain[i] = static_cast<uint8_t>(i * 7 + i / 256);
    uint8_t stream[kBlake2bBlock];
    for (size_t i = 0; i < size; ++i) {
      if (i % kBlake2bBlock == 0) kernels->key_stream(keys, i / kAesBlock, stream);
      encrypted[i] = plain[i] ^ stream[i % kBlake2bBlock];
    }
    uint8_t expected[32];
    Blake2b256 hasher(kSerialBlake2b);
    hasher.update(encrypted.get(), size);
    hasher.digest(expected);
    for (size_t piece : {1, 16, 127, 128, 129, 1000, 5001}) {
      for (const bool in_place : {false, true}) {
        // The first third encrypted, the rest decrypted: as an interrupted download goes on.
        HashingCipher cipher(*kernels, key);
        const size_t turn = size / 3;
        for (size_t at = 0, end = 0; at < size; at = end) {
          const bool encrypting = at < turn;
          end = std::min(at + piece, encrypting ? turn : size);
          const auto in = std::make_unique<uint8_t[]>(end - at);
          const auto apart = std::make_unique<uint8_t[]>(end - at);
          std::memcpy(in.get(), (encrypting ? plain : encrypted).get() + at, end - at);
          uint8_t* out = in_place ? in.get() : apart.get();
          if (encrypting) cipher.encrypt(in.get(), out, end - at);
          else cipher.decrypt(in.get(), out, end - at);
          const uint8_t* right = (encrypting ? encrypted : plain).get() + at;
          expect(std::memcmp(out, right, end - at) == 0, "cipher", isa, size, piece);
        }
        uint8_t digest[32];
        cipher.digest(digest);
        expect(std::memcmp(digest, expected, 32) == 0, "checked digest", isa, size, piece);
      }
    }
  }
  // Where the AES block number passes 32 bits, and 2^56 blocks on.
  for (const uint64_t counter : {(uint64_t{1} << 36) - 256, uint64_t{1} << 60}) {
    uint8_t in[512] = {};
    uint8_t out[512];
    uint64_t h[2][8] = {};
    kernels->decrypt(h[0], in, out, 4, counter, keys);
    kSerialBlake2b.compress(h[1], in, 4, counter);
    expect(std::memcmp(h[0], h[1], sizeof h[0]) == 0, "far hash", isa, counter >> 32, 0);
    for (size_t k = 0; k < 4; ++k) {
      uint8_t stream[kBlake2bBlock];
      kernels->key_stream(keys, counter / kAesBlock + k * 8, stream);
      expect(std::memcmp(stream, out + k * kBlake2bBlock, sizeof stream) == 0, "far stream", isa, counter >> 32, k);
    }
  }
}

}  // namespace

int main() {
  std::vector<Isa> fast;
  for (const Isa isa : usable_levels()) {
    if (isa != Isa::kSerial) fast.push_back(isa);
    test_hash(isa);
    test_cipher(isa);
  }
  test_scan(fast);
  return finish();
}
