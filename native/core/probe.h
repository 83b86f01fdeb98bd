#pragma once
// The machine's own limits, measured with the same threads a computation uses.
#include <cstddef>

#include "core/thread_pool.h"
#include "kernels/kernels.h"

namespace quarry {

/// FLOPs per second of dependent-free fused multiply-adds from registers, all threads together; the best of several
/// runs of a few milliseconds each, for about `seconds`.
double probe_fma(const Kernels& kernels, Precision precision, ThreadPool& pool, double seconds);

/// Bytes per second of reading `bytes` of memory in sequence, all threads together; the best of several passes.
double probe_read(ThreadPool& pool, size_t bytes, int passes);

}  // namespace quarry
