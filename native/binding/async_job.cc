#include "binding/async_job.h"

#include <new>

#include "core/error.h"

namespace quarry::napi {

namespace {
// Raises the flag of a job that may be gone: the function's data is a small shared cell, not the job itself.
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

// Worker threads may be terminated while a job runs; Node waits for it, so it is told to stop.
void stop_at_exit(void* data) { static_cast<std::atomic<bool>*>(data)->store(true); }
}  // namespace

napi_value AsyncJob::start(napi_env env, AsyncJob* job) {
  napi_value promise = nullptr;
  napi_value name = string(env, "quarry");
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
  napi_create_async_work(env, nullptr, name, execute, complete, job, &job->async_);
  napi_add_env_cleanup_hook(env, stop_at_exit, &job->abort_);
  napi_queue_async_work(env, job->async_);
  set(env, out, "promise", promise);
  set(env, out, "abort", function);
  return out;
}

void AsyncJob::execute(napi_env, void* data) {
  auto* job = static_cast<AsyncJob*>(data);
  try {
    job->work();
  } catch (const CoreError& error) {
    job->failed_ = true;
    job->code_ = error.code();
    job->message_ = error.what();
  } catch (const std::bad_alloc&) {
    job->failed_ = true;
    job->code_ = "OUT_OF_MEMORY";
    job->message_ = "out of memory";
  } catch (const std::exception& error) {
    job->failed_ = true;
    job->message_ = error.what();
  }
}

void AsyncJob::complete(napi_env env, napi_status, void* data) {
  auto* job = static_cast<AsyncJob*>(data);
  napi_remove_env_cleanup_hook(env, stop_at_exit, &job->abort_);
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  static_cast<Cell*>(job->cell_)->job.store(nullptr);
  napi_value value = nullptr;
  if (!job->failed_) {
    value = job->result(env);
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (pending) {
      napi_get_and_clear_last_exception(env, &value);
      napi_reject_deferred(env, job->deferred_, value);
    } else {
      napi_resolve_deferred(env, job->deferred_, value == nullptr ? undefined(env) : value);
    }
  } else {
    napi_create_error(env, string(env, job->code_), string(env, job->message_), &value);
    napi_reject_deferred(env, job->deferred_, value);
  }
  napi_delete_reference(env, job->abort_function_);
  napi_delete_async_work(env, job->async_);
  napi_close_handle_scope(env, scope);
  delete job;
}

}  // namespace quarry::napi
