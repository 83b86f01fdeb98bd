#pragma once
// Composing: which row, added to a sum of rows, brings the sum closest to a target. Chunks joined to one sample have the
// mean of their embeddings, and the cosine of a mean is that of the sum.
//
// One step reads a few arrays of one float per row; the products behind them are taken once: of every row with the target,
// and of every row with every other (the Gram matrix of row_pool.h). Sums are f32; what a search returns is checked by its
// caller in f64.
#include <cstddef>

#include "core/cpu.h"

namespace quarry {

/// Rows a kernel looks at before it compares with the best so far.
constexpr size_t kComposeBlock = 128;

/// One step over rows [0, n).
struct AdditionScan {
  size_t n;
  /// Products of each row with the target.
  const float* to_target;
  /// Products of each row with the sum of the parts; those of a part to be left out are taken off.
  const float* to_sum;
  const float* left_out;
  /// Squared lengths; NaN for an empty slot.
  const float* squares;
  /// Of the sum, without the part left out.
  float along;
  float square;
  /// Per rival: by how much the sum's losses lie below the rival's, and each row's. Their total must stay above zero.
  size_t rivals;
  const float* const* leads;
  const float* lead_sums;
};

struct ComposeKernels {
  Isa isa;
  /// The row whose addition gives the largest squared cosine above `least`; n if there is none.
  size_t (*best_addition)(const AdditionScan& scan, float least);
  /// sum[i] += added[i] - removed[i]; `removed` may be null.
  void (*add_column)(float* sum, const float* added, const float* removed, size_t n);
};

extern const ComposeKernels kSerialCompose;
extern const ComposeKernels kNeonCompose;
extern const ComposeKernels kAvx2Compose;
extern const ComposeKernels kAvx512Compose;

/// The table of a usable level; serial for any other. AVX-512 with BF16 has nothing to add here.
const ComposeKernels& compose_kernels_for(Isa isa);

}  // namespace quarry
