#pragma once
// Products of rows with vectors, f32, by the kernels of the distance scan.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/aligned_buffer.h"
#include "distance/distance.h"

namespace quarry {

class Products {
 public:
  Products(const DistanceKernels& kernels, size_t dim) : kernels_(kernels), dim_(dim) {}

  /// out[v * stride + i] = rows[i] . vectors[v] for `count` vectors [count, dim] and n rows [n, dim]. Throws
  /// std::bad_alloc.
  void take(const float* rows, size_t n, const float* vectors, size_t count, float* out, size_t stride);

  /// The same from bf16 rows for one vector, half the memory to read: off by what rounding the rows costs.
  void take_rough(const uint16_t* rows, size_t n, const float* vector, float* out);

 private:
  void one(const float* rows, size_t n, const float* vector, float* out);
  void panels(const float* rows, size_t n, const float* vectors, size_t count, float* out, size_t stride);

  const DistanceKernels& kernels_;
  const size_t dim_;
  AlignedBuffer<float> packed_;
  AlignedBuffer<float> block_;
  std::vector<uint16_t> split_;
  std::vector<float> squares_;
};

}  // namespace quarry
