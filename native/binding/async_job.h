#pragma once
// A long call off the event loop: work on a pool thread, the answer as a promise, an abort flag JavaScript can set.
#include <node_api.h>

#include <atomic>
#include <string>
#include <thread>

#include "binding/napi_value.h"

namespace quarry::napi {

/// Derive, fill the inputs, then `AsyncJob::start(env, job)`. The job deletes itself.
class AsyncJob {
 public:
  virtual ~AsyncJob() = default;

  /// Queues the job. Returns `{ promise, abort }`; `abort()` raises the flag and may be called at any time.
  static napi_value start(napi_env env, AsyncJob* job);

  /// The same on a thread of the job's own. Node's pool serves files and scans too, at the priority of the main thread:
  /// a job of seconds would keep those waiting. A thread of its own has the priority of the JavaScript thread.
  static napi_value start_on_own_thread(napi_env env, AsyncJob* job);

 protected:
  /// Runs off the JavaScript thread; must not touch N-API. What it throws rejects the promise, with a code and a message
  /// from `run_reporting`.
  virtual void work() = 0;
  /// Runs on the JavaScript thread after `work`; returns what the promise resolves to.
  virtual napi_value result(napi_env env) = 0;

  bool aborted() const { return abort_.load(std::memory_order_relaxed); }

  std::atomic<bool> abort_{false};

 private:
  /// Makes `{ promise, abort }`, or deletes the job and throws.
  static napi_value make_answer(napi_env env, AsyncJob* job);
  static void join_at_exit(void* job);
  void execute();
  void complete(napi_env env);

  napi_async_work async_ = nullptr;
  napi_threadsafe_function done_ = nullptr;
  std::thread thread_;
  napi_deferred deferred_ = nullptr;
  napi_ref abort_function_ = nullptr;
  void* cell_ = nullptr;  // what the abort function points at
  const char* code_ = nullptr;  // not null where `work` threw
  std::string message_;
};

/// A job whose promise resolves to one number.
class NumberJob : public AsyncJob {
 protected:
  napi_value result(napi_env env) override { return number(env, value_); }
  double value_ = 0;
};

}  // namespace quarry::napi
