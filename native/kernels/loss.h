#pragma once
// Cross-entropy and SIGReg of one token.
//
// cross-entropy: -(logit_target - max - log(sum(exp(logit - max)))); exp within 2 ulp, sum f32 per lane, log f64.
//
// SIGReg, from the S projections p_s of a token on the unit columns of the noise:
//   t_i = 0.1875 i, i = 0..16 ; phi_i = exp(-t_i^2 / 2) ; w_i = phi_i * (0.1875 at both ends, else 0.375)
//   C_i = mean_s cos(t_i p_s) ; Q_i = mean_s sin(t_i p_s)
//   I   = S * sum_i ((C_i - phi_i)^2 + Q_i^2) w_i                       (i = 0 contributes exactly 0)
// One sine and cosine per projection; the other fifteen by rotating. Rotation adds at most 16 * 2^-23 per component, so
// C_i and Q_i are within 2e-6 of exact ones. Arguments beyond 8192 take the library's sine and cosine.
#include <cstddef>
#include <cstdint>

namespace quarry {

inline constexpr size_t kSigRegPoints = 17;
inline constexpr float kSigRegStep = 0.1875f;  // t_max / (points - 1) = 3.0 / 16
inline constexpr size_t kSigRegSlices = 256;
inline constexpr double kSigRegCoefficient = 0.02;

/// The negative log-likelihood of class `target` under `logits` [classes].
using CrossEntropyRow = double (*)(const float* logits, size_t classes, uint32_t target);

/// I of one token; `projections` [slices], slices a multiple of 16.
using SigRegRow = double (*)(const float* projections, size_t slices);

}  // namespace quarry
