#pragma once
// What a weights file of a shape holds, written down once more for tests and fuzz targets.
#include <cstddef>
#include <vector>

#include "forward/packed_weights.h"

namespace quarry {

/// Elements of the tensors of a shape, in the order of packed_weights.h.
inline std::vector<size_t> tensor_sizes(const ModelShape& s) {
  const size_t e = s.embedding;
  std::vector<size_t> counts = {s.vocabulary * e};
  for (size_t l = 0; l < s.layers; ++l) {
    for (const size_t n : {e, e, e * e, e, e * e, e, e * e, e, e * e, e, e, e, e * s.hidden, s.hidden, s.hidden * e, e}) {
      counts.push_back(n);
    }
  }
  for (const size_t n : {e, e, e * s.vocabulary, s.vocabulary}) counts.push_back(n);
  return counts;
}

}  // namespace quarry
