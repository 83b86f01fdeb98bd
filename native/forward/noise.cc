#include "forward/noise.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <list>
#include <mutex>
#include <vector>

#include "forward/ziggurat_tables.h"
#include "kernels/gemm.h"
#include "kernels/loss.h"

namespace quarry {

void expand_seed(uint64_t seed, uint32_t key[8]) {
  uint64_t state = seed;
  for (int i = 0; i < 8; ++i) {
    state = state * 6364136223846793005ull + 11634580027462260723ull;
    const auto x = static_cast<uint32_t>(((state >> 18) ^ state) >> 27);
    key[i] = std::rotr(x, static_cast<int>(state >> 59));
  }
}

namespace {

// Blocks computed at once: the compiler turns the inner loops into vectors.
constexpr size_t kLanes = 8;

class ChaCha12 {
 public:
  explicit ChaCha12(uint64_t seed) { expand_seed(seed, key_); }

  uint64_t next_u64() {
    if (position_ == kLanes * 16) refill();
    uint64_t word;
    std::memcpy(&word, words_ + position_, 8);  // low half first; the hosts supported are little-endian
    position_ += 2;
    return word;
  }

 private:
  using Lane = uint32_t[kLanes];

  static void rotate(Lane& x, int by) {
    for (size_t i = 0; i < kLanes; ++i) x[i] = std::rotl(x[i], by);
  }
  static void quarter(Lane& a, Lane& b, Lane& c, Lane& d) {
    const auto add_xor = [](Lane& to, const Lane& from, Lane& mixed) {
      for (size_t i = 0; i < kLanes; ++i) {
        to[i] += from[i];
        mixed[i] ^= to[i];
      }
    };
    add_xor(a, b, d);
    rotate(d, 16);
    add_xor(c, d, b);
    rotate(b, 12);
    add_xor(a, b, d);
    rotate(d, 8);
    add_xor(c, d, b);
    rotate(b, 7);
  }

  void refill() {
    Lane start[16];
    for (size_t i = 0; i < kLanes; ++i) {
      start[0][i] = 0x61707865;
      start[1][i] = 0x3320646e;
      start[2][i] = 0x79622d32;
      start[3][i] = 0x6b206574;
      for (int j = 0; j < 8; ++j) start[4 + j][i] = key_[j];
      start[12][i] = static_cast<uint32_t>(counter_ + i);
      start[13][i] = static_cast<uint32_t>((counter_ + i) >> 32);
      start[14][i] = 0;
      start[15][i] = 0;
    }
    Lane x[16];
    std::memcpy(x, start, sizeof x);
    for (int round = 0; round < 6; ++round) {
      quarter(x[0], x[4], x[8], x[12]);
      quarter(x[1], x[5], x[9], x[13]);
      quarter(x[2], x[6], x[10], x[14]);
      quarter(x[3], x[7], x[11], x[15]);
      quarter(x[0], x[5], x[10], x[15]);
      quarter(x[1], x[6], x[11], x[12]);
      quarter(x[2], x[7], x[8], x[13]);
      quarter(x[3], x[4], x[9], x[14]);
    }
    for (size_t i = 0; i < kLanes; ++i) {
      for (size_t j = 0; j < 16; ++j) words_[i * 16 + j] = x[j][i] + start[j][i];
    }
    counter_ += kLanes;
    position_ = 0;
  }

  uint32_t key_[8];
  uint64_t counter_ = 0;
  uint32_t words_[kLanes * 16];
  size_t position_ = kLanes * 16;
};

double open01(ChaCha12& rng) {
  const double in_1_2 = std::bit_cast<double>((rng.next_u64() >> 12) | 0x3ff0000000000000ull);
  return in_1_2 - (1.0 - 0x1p-53);
}

double unit53(ChaCha12& rng) { return static_cast<double>(rng.next_u64() >> 11) * 0x1p-53; }

double standard_normal(ChaCha12& rng) {
  for (;;) {
    const uint64_t bits = rng.next_u64();
    const size_t i = bits & 255;
    const double u = std::bit_cast<double>((bits >> 12) | 0x4000000000000000ull) - 3.0;
    const double x = u * std::bit_cast<double>(kZigguratX[i]);
    if (std::fabs(x) < std::bit_cast<double>(kZigguratX[i + 1])) return x;
    if (i == 0) {
      double a;
      double c;
      do {
        a = std::log(open01(rng)) / kZigguratR;
        c = std::log(open01(rng));
      } while (-2.0 * c < a * a);
      return u < 0 ? a - kZigguratR : kZigguratR - a;
    }
    const double upper = std::bit_cast<double>(kZigguratF[i + 1]);
    const double lower = std::bit_cast<double>(kZigguratF[i]);
    // Separate statements: a fused multiply-add would round once where the definition rounds twice.
    volatile double height = (lower - upper) * unit53(rng);
    volatile double square = -x * x;
    if (upper + height < std::exp(square / 2.0)) return x;
  }
}

struct Entry {
  uint64_t seed;
  size_t embedding;
  std::shared_ptr<const NoiseMatrix> matrix;
};
constexpr size_t kCacheEntries = 64;
std::mutex cache_mutex;
std::list<Entry> cache;  // most recently used first

std::shared_ptr<const NoiseMatrix> make_matrix(uint64_t seed, size_t embedding) {
  constexpr size_t slices = kSigRegSlices;
  std::vector<float> noise(embedding * slices);
  normal_draws(seed, noise.size(), noise.data());
  std::vector<double> squares(slices, 0.0);
  for (size_t e = 0; e < embedding; ++e) {
    for (size_t s = 0; s < slices; ++s) squares[s] += static_cast<double>(noise[e * slices + s]) * noise[e * slices + s];
  }
  std::vector<float> norms(slices);
  for (size_t s = 0; s < slices; ++s) norms[s] = static_cast<float>(std::sqrt(squares[s]));
  auto matrix = std::make_shared<NoiseMatrix>(packed_b_bytes(embedding, slices, Precision::kF32) / sizeof(float));
  for (size_t s = 0; s < slices; ++s) {
    float* panel = matrix->data() + s / kPanel * embedding * kPanel + s % kPanel;
    for (size_t e = 0; e < embedding; ++e) panel[e * kPanel] = noise[e * slices + s] / norms[s];
  }
  return matrix;
}

}  // namespace

void normal_draws(uint64_t seed, size_t count, float* out) {
  ChaCha12 rng(seed);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(standard_normal(rng));
}

std::shared_ptr<const NoiseMatrix> noise_matrix(uint64_t seed, size_t embedding) {
  const std::lock_guard<std::mutex> lock(cache_mutex);
  for (auto it = cache.begin(); it != cache.end(); ++it) {
    if (it->seed == seed && it->embedding == embedding) {
      cache.splice(cache.begin(), cache, it);
      return it->matrix;
    }
  }
  cache.push_front({seed, embedding, make_matrix(seed, embedding)});
  if (cache.size() > kCacheEntries) cache.pop_back();
  return cache.front().matrix;
}

}  // namespace quarry
