#pragma once
// The network's random normals, bit for bit, and the SIGReg noise made of them.
//
// Seed to key: eight rounds of a 64-bit congruential generator with permuted output, as rand_core 0.9 expands a u64.
// Stream: ChaCha with 12 rounds, 64-bit counter and stream 0, words in order.
// Normal: ziggurat of rand_distr 0.5.1, in f64, rounded to f32; value = mean + std * z with each step in f32.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/aligned_buffer.h"

namespace quarry {

/// The first `count` draws of the normal generator `seed`, mean 0 and deviation 1.
void normal_draws(uint64_t seed, size_t count, float* out);

/// The eight key words of `seed`.
void expand_seed(uint64_t seed, uint32_t key[8]);

/// Noise matrix [embedding, 256] of `seed` with every column scaled to unit length (norms in f64, rounded to f32),
/// packed as the B of an f32 product.
using NoiseMatrix = AlignedBuffer<float>;

/// The matrix, from a cache of at most 64 (as many as one megabyte of data uses) shared by all models of the process.
std::shared_ptr<const NoiseMatrix> noise_matrix(uint64_t seed, size_t embedding);

}  // namespace quarry
