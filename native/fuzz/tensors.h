#pragma once
// Weights files laid out by an untrusted publisher: a shape's tensors in any order, with gaps, element types and lies.
#include <algorithm>
#include <vector>

#include "fuzz/input.h"
#include "test/tensor_sizes.h"

namespace quarry::fuzz {

struct Weights {
  std::vector<TensorSource> tensors;
  std::vector<char> bytes;
};

/// `lies`: how many of the list's numbers are untrue, at most.
inline Weights make_weights(Input& in, const ModelShape& shape, size_t lies) {
  const std::vector<size_t> counts = tensor_sizes(shape);
  std::vector<size_t> order(counts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (size_t swaps = in.size(0, 4); swaps > 0; --swaps) {
    std::swap(order[in.size(0, order.size() - 1)], order[in.size(0, order.size() - 1)]);
  }
  const auto all = static_cast<Dtype>(in.size(0, static_cast<size_t>(Dtype::kBool)));
  const bool mixed = in.ConsumeBool();
  Weights weights;
  weights.tensors.resize(counts.size());
  uint64_t at = in.size(0, 70);
  for (const size_t i : order) {
    const auto dtype = mixed ? static_cast<Dtype>(in.size(0, static_cast<size_t>(Dtype::kBool))) : all;
    weights.tensors[i] = {dtype, at, counts[i] * dtype_bytes(dtype)};
    at += weights.tensors[i].bytes + (in.chance(8) ? in.size(1, 9) : 0);
  }
  weights.bytes.resize(at);
  uint32_t state = in.ConsumeIntegral<uint32_t>();
  for (char& byte : weights.bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  for (size_t count = in.size(0, lies); count > 0; --count) {
    TensorSource& tensor = weights.tensors[in.size(0, weights.tensors.size() - 1)];
    switch (in.size(0, 5)) {
      case 0: tensor.dtype = static_cast<Dtype>(in.size(0, static_cast<size_t>(Dtype::kBool))); break;
      case 1: tensor.offset = in.hostile(); break;
      case 2: tensor.bytes = in.hostile(); break;
      case 3: tensor.offset = weights.tensors[in.size(0, weights.tensors.size() - 1)].offset; break;
      case 4: weights.bytes.resize(in.size(0, weights.bytes.size())); break;
      default: weights.tensors.resize(in.size(1, weights.tensors.size() + 1), {Dtype::kF32, 0, 4});
    }
  }
  return weights;
}

}  // namespace quarry::fuzz
