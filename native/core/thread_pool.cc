#include "core/thread_pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace quarry {

namespace {
// Loops follow each other within microseconds inside a forward pass; a short spin saves the two system calls of a
// sleep and a wake. On a busy machine the spin ends early enough not to steal the processor from the working thread.
constexpr int kSpins = 2000;

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Waits until `value` differs from `old`.
void wait_change(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}
}  // namespace

ThreadPool::ThreadPool(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::drain(unsigned thread) {
  for (;;) {
    if (abort_ != nullptr && abort_->load(std::memory_order_relaxed)) return;
    const size_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    invoke_(context_, task, thread);
  }
}

void ThreadPool::work(unsigned thread) {
  uint32_t seen = 0;
  for (;;) {
    wait_change(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    drain(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

void ThreadPool::run_erased(size_t tasks, const std::atomic<bool>* abort, Invoke invoke, void* context) {
  invoke_ = invoke;
  context_ = context;
  abort_ = abort;
  tasks_ = tasks;
  next_.store(0, std::memory_order_relaxed);
  if (workers_.empty() || tasks <= 1) {
    drain(0);
    return;
  }
  running_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  drain(0);
  for (;;) {
    const uint32_t left = running_.load(std::memory_order_acquire);
    if (left == 0) return;
    wait_change(running_, left);
  }
}

}  // namespace quarry
