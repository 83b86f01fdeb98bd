// The kernels of composing as plain loops over blocks, which the compiler turns into the instructions of the level that
// includes this file.
#include <cstdint>
#include <cstring>

#include "compose/compose.h"

namespace quarry {
namespace {

/// Squared cosines of one block; 0 where a row cannot be added.
template <bool kLeavesOut>
void closeness_of(const AdditionScan& scan, size_t first, size_t n, float* out) {
  const float* t = scan.to_target + first;
  const float* s = scan.to_sum + first;
  const float* o = kLeavesOut ? scan.left_out + first : nullptr;
  const float* q = scan.squares + first;
  const float along = scan.along;
  const float square = scan.square;
  for (size_t i = 0; i < n; ++i) {
    const float dot = along + t[i];
    const float shared = kLeavesOut ? s[i] - o[i] : s[i];
    const float length = square + 2 * shared + q[i];
    const float closeness = dot * dot / length;
    // Comparisons with NaN are false: no row, nothing to add. Bitwise, so that no branch keeps this from vectors.
    const bool fits = (dot > 0) & (length > 0) & (closeness > 0);
    out[i] = fits ? closeness : 0.0f;
  }
  for (size_t r = 0; r < scan.rivals; ++r) {
    const float* lead = scan.leads[r] + first;
    const float sum = scan.lead_sums[r];
    for (size_t i = 0; i < n; ++i) out[i] = sum + lead[i] > 0 ? out[i] : 0.0f;
  }
}

size_t best_addition(const AdditionScan& scan, float least) {
  float block[kComposeBlock];
  int32_t bits[kComposeBlock];
  size_t found = scan.n;
  float best = least > 0 ? least : 0;
  for (size_t first = 0; first < scan.n; first += kComposeBlock) {
    const size_t n = scan.n - first < kComposeBlock ? scan.n - first : kComposeBlock;
    if (scan.left_out != nullptr) closeness_of<true>(scan, first, n, block);
    else closeness_of<false>(scan, first, n, block);
    // Floats that are not negative are ordered as their bits are, and whole numbers have a maximum in one instruction.
    std::memcpy(bits, block, n * sizeof(float));
    int32_t largest = 0;
    for (size_t i = 0; i < n; ++i) largest = bits[i] > largest ? bits[i] : largest;
    float top;
    std::memcpy(&top, &largest, sizeof top);
    if (!(top > best)) continue;
    best = top;
    size_t i = 0;
    while (bits[i] != largest) ++i;
    found = first + i;
  }
  return found;
}

void add_column(float* sum, const float* added, const float* removed, size_t n) {
  if (removed == nullptr) {
    for (size_t i = 0; i < n; ++i) sum[i] += added[i];
  } else {
    for (size_t i = 0; i < n; ++i) sum[i] += added[i] - removed[i];
  }
}

}  // namespace
}  // namespace quarry
