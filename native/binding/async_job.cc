#include "binding/async_job.h"

#include <new>
#include <system_error>

namespace quarry::napi {

namespace {
// Raises the flag of a job that may have ended: the function's data is a small shared cell, not the job itself.
struct Cell {
  std::atomic<AsyncJob*> job;
  std::atomic<bool>* flag;
};

napi_value raise(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* cell = static_cast<Cell*>(data);
  if (cell->job.load() != nullptr) cell->flag->store(true);
  return undefined(env);
}

// A worker thread may be terminated while a job runs, and Node waits for the job: ask it to stop.
void stop_at_exit(void* data) { static_cast<std::atomic<bool>*>(data)->store(true); }
}  // namespace

napi_value AsyncJob::make_answer(napi_env env, AsyncJob* job) {
  napi_value promise = nullptr;
  napi_value out = nullptr;
  napi_value function = nullptr;
  auto* cell = new (std::nothrow) Cell{job, &job->abort_};
  if (cell == nullptr || napi_create_object(env, &out) != napi_ok ||
      napi_create_function(env, "abort", NAPI_AUTO_LENGTH, raise, cell, &function) != napi_ok) {
    delete cell;
    delete job;
    napi_throw_error(env, nullptr, "out of memory");
    return nullptr;
  }
  napi_add_finalizer(
      env, function, cell, [](napi_env, void* data, void*) { delete static_cast<Cell*>(data); }, nullptr, nullptr);
  // A strong reference until completion keeps the cell alive as long as the job may clear it.
  napi_create_reference(env, function, 1, &job->abort_function_);
  job->cell_ = cell;
  napi_create_promise(env, &job->deferred_, &promise);
  set(env, out, "promise", promise);
  set(env, out, "abort", function);
  return out;
}

napi_value AsyncJob::start(napi_env env, AsyncJob* job) {
  napi_value answer = make_answer(env, job);
  if (answer == nullptr) return nullptr;
  napi_create_async_work(
      env, nullptr, string(env, "quarry"), [](napi_env, void* data) { static_cast<AsyncJob*>(data)->execute(); },
      [](napi_env env, napi_status, void* data) {
        auto* job = static_cast<AsyncJob*>(data);
        napi_remove_env_cleanup_hook(env, stop_at_exit, &job->abort_);
        job->complete(env);
        napi_delete_async_work(env, job->async_);
        delete job;
      },
      job, &job->async_);
  napi_add_env_cleanup_hook(env, stop_at_exit, &job->abort_);
  napi_queue_async_work(env, job->async_);
  return answer;
}

napi_value AsyncJob::start_on_own_thread(napi_env env, AsyncJob* job) {
  napi_value answer = make_answer(env, job);
  if (answer == nullptr) return nullptr;
  const auto on_done = [](napi_env env, napi_value, void*, void* data) {
    auto* job = static_cast<AsyncJob*>(data);
    // Without an environment no caller waits any more, and the hook below has joined the thread.
    if (env != nullptr) {
      napi_remove_env_cleanup_hook(env, join_at_exit, job);
      if (job->thread_.joinable()) job->thread_.join();
      job->complete(env);
    }
    delete job;
  };
  napi_create_threadsafe_function(env, nullptr, nullptr, string(env, "quarry"), 0, 1, nullptr, nullptr, nullptr, on_done,
                                  &job->done_);
  // Hooks run in reverse: this one before that of the function above, which must outlive the thread.
  napi_add_env_cleanup_hook(env, join_at_exit, job);
  const auto run = [job] {
    const napi_threadsafe_function done = job->done_;
    job->execute();
    napi_call_threadsafe_function(done, job, napi_tsfn_blocking);
    napi_release_threadsafe_function(done, napi_tsfn_release);
  };
  try {
    job->thread_ = std::thread(run);
  } catch (const std::system_error&) {
    // No thread available: blocking is better than failing.
    run();
  }
  return answer;
}

void AsyncJob::join_at_exit(void* data) {
  auto* job = static_cast<AsyncJob*>(data);
  job->abort_.store(true);
  if (job->thread_.joinable()) job->thread_.join();
}

void AsyncJob::execute() {
  run_reporting([&] { work(); },
                [&](const char* code, const char* message) {
                  code_ = code;
                  message_ = message;
                });
}

void AsyncJob::complete(napi_env env) {
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  static_cast<Cell*>(cell_)->job.store(nullptr);
  napi_value value = nullptr;
  if (code_ == nullptr) {
    value = guarded(env, [&] { return result(env); });
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (pending) {
      napi_get_and_clear_last_exception(env, &value);
      napi_reject_deferred(env, deferred_, value);
    } else {
      napi_resolve_deferred(env, deferred_, value == nullptr ? undefined(env) : value);
    }
  } else {
    napi_create_error(env, string(env, code_), string(env, message_), &value);
    napi_reject_deferred(env, deferred_, value);
  }
  napi_delete_reference(env, abort_function_);
  napi_close_handle_scope(env, scope);
}

}  // namespace quarry::napi
