#include <memory>

#include "binding/async_job.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/register.h"
#include "core/cpu.h"
#include "core/probe.h"
#include "platform/processor.h"

namespace quarry::napi {

namespace {

// capabilities(): { compiled: mask, usable: mask, best: name, cpus: count }
napi_value capabilities(napi_env env, napi_callback_info) {
  napi_value out = nullptr;
  napi_create_object(env, &out);
  set(env, out, "compiled", number(env, compiled_isa_mask()));
  set(env, out, "usable", number(env, usable_isa_mask()));
  set(env, out, "best", string(env, isa_name(best_isa())));
  set(env, out, "cpus", number(env, usable_processors()));
  return out;
}

class ProbeFma : public NumberJob {
 public:
  Isa isa;
  Precision precision;
  double threads;
  double seconds;

 protected:
  void work() override {
    ThreadPool pool(static_cast<unsigned>(threads));
    value_ = probe_fma(kernels_for(isa), precision, pool, seconds);
  }
};

// probeFma(isa, precision, threads, seconds): FLOPs per second
napi_value probe_fma_call(napi_env env, napi_callback_info info) {
  const Args<4> args(env, info);
  auto job = std::make_unique<ProbeFma>();
  if (!read_level(env, args[0], &job->isa) || !read_precision(env, args[1], &job->precision) ||
      !read(env, args[2], &job->threads, "threads: expected a number") ||
      !read(env, args[3], &job->seconds, "seconds: expected a number")) {
    return nullptr;
  }
  return AsyncJob::start(env, job.release());
}

class ProbeRead : public NumberJob {
 public:
  double threads;
  double bytes;
  double passes;

 protected:
  void work() override {
    ThreadPool pool(static_cast<unsigned>(threads));
    value_ = probe_read(pool, static_cast<size_t>(bytes), static_cast<int>(passes));
  }
};

// probeRead(threads, bytes, passes): bytes per second
napi_value probe_read_call(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  auto job = std::make_unique<ProbeRead>();
  if (!read(env, args[0], &job->threads, "threads: expected a number") ||
      !read(env, args[1], &job->bytes, "bytes: expected a number") ||
      !read(env, args[2], &job->passes, "passes: expected a number")) {
    return nullptr;
  }
  return AsyncJob::start(env, job.release());
}

}  // namespace

void register_core(napi_env env, napi_value exports) {
  add_function<capabilities>(env, exports, "capabilities");
  add_function<probe_fma_call>(env, exports, "probeFma");
  add_function<probe_read_call>(env, exports, "probeRead");
}

}  // namespace quarry::napi
