#pragma once
// A small pool for loops over independent tasks. The calling thread works too, so a pool of one starts no thread.
#include <atomic>
#include <cstddef>
#include <thread>
#include <type_traits>
#include <vector>

namespace quarry {

class ThreadPool {
 public:
  /// `threads` includes the caller; at least 1.
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  /// Runs `body(task, thread)` for every task in [0, tasks), handed out one at a time in ascending order; returns when
  /// all are done. `thread` is in [0, threads()), for per-thread scratch memory. When `*abort` becomes true, tasks not
  /// yet begun are dropped. `body` must not throw. One loop at a time per pool.
  template <typename Body>
  void run(size_t tasks, const std::atomic<bool>* abort, Body&& body) {
    run_erased(
        tasks, abort,
        [](void* context, size_t task, unsigned thread) {
          (*static_cast<std::remove_reference_t<Body>*>(context))(task, thread);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Invoke = void (*)(void*, size_t, unsigned);
  void run_erased(size_t tasks, const std::atomic<bool>* abort, Invoke invoke, void* context);
  void work(unsigned thread);
  void drain(unsigned thread);

  std::vector<std::thread> workers_;
  Invoke invoke_ = nullptr;
  void* context_ = nullptr;
  const std::atomic<bool>* abort_ = nullptr;
  size_t tasks_ = 0;
  alignas(64) std::atomic<size_t> next_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
  alignas(64) std::atomic<uint32_t> running_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace quarry
