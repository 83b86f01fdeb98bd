#pragma once
#include "core/thread_pool.h"

namespace quarry {

/// Runs tasks on `pool`, or here, in order, when there is none.
template <typename Body>
void parallel(ThreadPool* pool, size_t tasks, const std::atomic<bool>* abort, Body&& body) {
  if (pool != nullptr) {
    pool->run(tasks, abort, body);
    return;
  }
  for (size_t task = 0; task < tasks; ++task) {
    if (abort != nullptr && abort->load(std::memory_order_relaxed)) return;
    body(task, 0);
  }
}

}  // namespace quarry
