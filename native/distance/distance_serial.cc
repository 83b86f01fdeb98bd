// The plain level: what the others must agree with, and what runs where no other level does.
#include "distance/distance_impl.h"

namespace quarry {
namespace {

template <typename T>
void dot_rows(const T* const* rows, size_t n, const float* target, size_t dim, float* dots, float* squares) {
  for (size_t i = 0; i < n; ++i) {
    const T* row = rows[i];
    float dot[16] = {0};
    float square[16] = {0};
    size_t k = 0;
    for (; k + 16 <= dim; k += 16) {
      for (size_t j = 0; j < 16; ++j) {
        const float x = value(row[k + j]);
        dot[j] += x * target[k + j];
        square[j] += x * x;
      }
    }
    for (size_t j = 0; k < dim; ++k, ++j) {
      const float x = value(row[k]);
      dot[j] += x * target[k];
      square[j] += x * x;
    }
    for (size_t half = 8; half > 0; half /= 2) {
      for (size_t j = 0; j < half; ++j) {
        dot[j] += dot[j + half];
        square[j] += square[j + half];
      }
    }
    dots[i] = dot[0];
    squares[i] = square[0];
  }
}

template <size_t P>
void tile(const float* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  for (size_t p = 0; p < P; ++p) {
    const float* b = reinterpret_cast<const float*>(panel + p * stride);
    for (size_t r = 0; r < 4; ++r) {
      float sum[kLanes] = {0};
      for (size_t k = 0; k < depth; ++k) {
        for (size_t t = 0; t < kLanes; ++t) sum[t] += rows[r][k] * b[k * kLanes + t];
      }
      for (size_t t = 0; t < kLanes; ++t) c[r * ldc + p * kLanes + t] += sum[t];
    }
  }
}

void expand(const uint16_t* row, size_t dim, float* out) {
  for (size_t k = 0; k < dim; ++k) out[k] = bf16_to_float(row[k]);
}

template <typename T>
void normalize(const T* row, size_t dim, double* out) {
  double squares[32] = {0};
  for (size_t k = 0; k < dim; ++k) {
    const double x = value(row[k]);
    squares[k % 32] += x * x;
  }
  const float length = length_of(fold32(squares));
  for (size_t k = 0; k < dim; ++k) out[k] = value(row[k]) / length;
}

double exact_dot(const double* normalized, const float* unit, size_t dim) {
  double sums[32] = {0};
  for (size_t k = 0; k < dim; ++k) sums[k % 32] += normalized[k] * unit[k];
  return fold32(sums);
}

}  // namespace

const DistanceKernels kSerialDistance = level_table(Isa::kSerial);

}  // namespace quarry
