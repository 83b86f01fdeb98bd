#pragma once
// The scan: rows in order through the fast kernels, candidates through the exact one, hits by the asked-for mode.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/thread_pool.h"
#include "distance/distance.h"

namespace quarry {

/// Position p of a selection is row rows[p] of table tables[p]; a table beyond the list, or a row beyond its table, is
/// skipped. The fast pass reads bf16, the exact pass f32.
struct RowTable {
  const uint16_t* bf16;
  const float* f32;
  size_t rows;
};

struct ScanRows {
  size_t dim = 0;
  size_t count = 0;
  /// Contiguous rows: one of these; both passes read it.
  const float* f32 = nullptr;
  const uint16_t* bf16 = nullptr;
  /// Or a selection.
  const uint8_t* tables = nullptr;
  const uint32_t* rows = nullptr;
  std::vector<RowTable> sources;
};

enum class ScanMode { kAll, kFirst, kClosest };

struct ScanRequest {
  ScanRows rows;
  /// [target_count, dim]
  const float* targets = nullptr;
  /// A row hits when its distance is at most this.
  const float* thresholds = nullptr;
  size_t target_count = 0;
  ScanMode mode = ScanMode::kAll;
  size_t limit = 1;
  /// Positions [from, to).
  size_t from = 0;
  size_t to = 0;
};

struct ScanHit {
  uint32_t row;
  uint32_t target;
  float distance;
};

/// Hits ordered by target, then by row, or by distance in mode closest. A raised `abort` ends it early with what there
/// is. Throws std::bad_alloc.
std::vector<ScanHit> scan(const ScanRequest& request, const DistanceKernels& kernels, ThreadPool& pool,
                          const std::atomic<bool>* abort);

}  // namespace quarry
