#pragma once
// Elementwise functions, exposed for tests; the products fuse them.
//
// gelu(x) = x/2 (1 + erf(x / sqrt 2)), the exact form. For negative x the factor is taken as erfc, without the
// cancellation of 1 + erf. |err| <= 2e-7 |x|, and exactly 0 below -4 sqrt 2 (true value there above -5e-8).
// bf16: the nearest, ties to even; NaN stays NaN.
#include <cstddef>
#include <cstdint>

namespace quarry {

using GeluArray = void (*)(const float* x, size_t count, float* y);
using ToBf16Array = void (*)(const float* x, size_t count, uint16_t* y);

/// acc[i] += x[i] in f64, for means over tokens. `count` any.
using AccumulateRow = void (*)(const float* x, size_t count, double* acc);

}  // namespace quarry
