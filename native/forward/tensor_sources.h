#pragma once
// Places of tensors as passed by JavaScript: triples of element type, offset and bytes, from an untrusted header.
#include <cstddef>
#include <vector>

#include "forward/packed_weights.h"

namespace quarry {

/// Appends a source for every triple of `numbers`. Returns false, with the sources before the fault appended, if the last
/// triple is incomplete, an element type is unknown, or a place is not a whole number up to 2^53. Throws std::bad_alloc.
inline bool tensor_sources(const double* numbers, size_t count, std::vector<TensorSource>* out) {
  if (count % 3 != 0) return false;
  // Converting a value out of an integer's range is undefined; NaN fails every comparison.
  const auto is_place = [](double x) { return x >= 0 && x <= 0x1p53 && x == __builtin_trunc(x); };
  for (size_t i = 0; i < count; i += 3) {
    const double dtype = numbers[i];
    if (!is_place(dtype) || dtype > static_cast<double>(Dtype::kBool)) return false;
    if (!is_place(numbers[i + 1]) || !is_place(numbers[i + 2])) return false;
    out->push_back({static_cast<Dtype>(dtype), static_cast<uint64_t>(numbers[i + 1]),
                    static_cast<uint64_t>(numbers[i + 2])});
  }
  return true;
}

}  // namespace quarry
