// Pools of rows for JavaScript, and the search for compositions among them.
#include <algorithm>
#include <memory>
#include <vector>

#include "binding/async_job.h"
#include "binding/handle.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/register.h"
#include "compose/row_pool.h"

namespace quarry::napi {

namespace {

using PoolRef = std::shared_ptr<RowPool>;
constexpr Handle<RowPool> kPool = {{0x91c4e07d5b3a62f8ull, 0x3f7a08d2c65e19b4ull}, "pool of rows"};
/// Values of a row, rows of a pool, parts of a composition: their products stay far from overflowing.
constexpr int64_t kMostWidth = int64_t{1} << 20;
constexpr int64_t kMostRows = int64_t{1} << 16;
constexpr int64_t kMostParts = 4096;

// composePoolOpen(isa, dim, capacity): pool
napi_value open(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  Isa isa;
  int64_t dim = 0;
  int64_t capacity = 0;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &dim, "\"dim\" expected a number") ||
      !read(env, args[2], &capacity, "\"capacity\" expected a number")) {
    return nullptr;
  }
  if (dim < 1 || dim > kMostWidth || capacity < 1 || capacity > kMostRows) {
    return fail(env, "\"dim\" or \"capacity\" out of range"), nullptr;
  }
  return kPool.make(env, isa, static_cast<size_t>(dim), static_cast<size_t>(capacity));
}

// composePoolClose(pool): frees its memory now, or once the jobs that use it are done
napi_value close(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  kPool.close(env, args[0]);
  return undefined(env);
}

class PutJob : public AsyncJob {
 public:
  PutJob(PoolRef pool, std::vector<int32_t> slots, std::vector<float> rows)
      : pool_(std::move(pool)), slots_(std::move(slots)), rows_(std::move(rows)) {}

 protected:
  void work() override {
    const std::lock_guard<std::mutex> lock(pool_->mutex());
    pool_->put(slots_.data(), rows_.data(), slots_.size());
  }
  napi_value result(napi_env env) override { return int32_array(env, slots_); }

 private:
  PoolRef pool_;
  std::vector<int32_t> slots_;
  std::vector<float> rows_;
};

// composePoolPut(pool, slots: Int32Array, rows: Float32Array): job of an Int32Array, the slots that were written
napi_value put(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  PoolRef pool;
  View<int32_t> slots;
  View<float> rows;
  if (!kPool.read(env, args[0], &pool) ||
      !read_typed(env, args[1], napi_int32_array, &slots, "\"slots\" expected an Int32Array") ||
      !read(env, args[2], &rows, "\"rows\" expected a Float32Array")) {
    return nullptr;
  }
  if (rows.length != slots.length * pool->dim()) return fail(env, "\"rows\" expected [slots, dim]"), nullptr;
  for (size_t i = 0; i < slots.length; ++i) {
    if (slots.data[i] >= static_cast<int64_t>(pool->capacity())) return fail(env, "a slot is out of range"), nullptr;
  }
  return AsyncJob::start_on_own_thread(
      env, new PutJob(std::move(pool), {slots.data, slots.data + slots.length}, {rows.data, rows.data + rows.length}));
}

struct SearchTask {
  PoolRef pool;
  std::vector<float> targets;
  std::vector<double> cosines;
  std::vector<float> leads;
  size_t leads_count = 0;
  size_t max_parts = 0;
  bool fewest = false;
};

class SearchJob : public AsyncJob {
 public:
  explicit SearchJob(SearchTask task) : task_(std::move(task)) {}

 protected:
  void work() override {
    std::vector<const float*> leads;
    for (size_t at = 0; at < task_.leads.size(); at += task_.leads_count) leads.push_back(task_.leads.data() + at);
    std::vector<ComposeGoal> goals;
    for (size_t i = 0; i < task_.cosines.size(); ++i) {
      goals.push_back({task_.targets.data() + i * task_.pool->dim(), task_.cosines[i], task_.max_parts, task_.fewest,
                       leads.size(), leads.data()});
    }
    std::vector<Composition> found(goals.size());
    const std::lock_guard<std::mutex> lock(task_.pool->mutex());
    task_.pool->search(goals.data(), goals.size(), task_.leads_count, found.data());
    slots_.assign(found.size() * task_.max_parts, -1);
    for (size_t i = 0; i < found.size(); ++i) {
      cosines_.push_back(static_cast<float>(found[i].cosine));
      std::copy(found[i].slots.begin(), found[i].slots.end(), slots_.begin() + static_cast<ptrdiff_t>(i * task_.max_parts));
    }
  }
  napi_value result(napi_env env) override {
    napi_value out = nullptr;
    napi_create_object(env, &out);
    set(env, out, "slots", int32_array(env, slots_));
    set(env, out, "cosines", float32_array(env, cosines_));
    return out;
  }

 private:
  SearchTask task_;
  std::vector<int32_t> slots_;
  std::vector<float> cosines_;
};

// composePoolSearch(pool, { targets: Float32Array, cosines: Float64Array, leads: Float32Array [rivals, leadsCount],
//                           leadsCount, maxParts, fewest }): job of { slots: Int32Array [targets, maxParts], -1 behind the last
//                           part; cosines: Float32Array, -2 where nothing was found }
napi_value search(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  SearchTask task;
  View<float> targets;
  View<double> cosines;
  View<float> leads;
  int64_t leads_count = 0;
  int64_t max_parts = 0;
  if (!kPool.read(env, args[0], &task.pool) ||
      !read(env, property(env, args[1], "targets"), &targets, "\"targets\" expected a Float32Array") ||
      !read(env, property(env, args[1], "cosines"), &cosines, "\"cosines\" expected a Float64Array") ||
      !read(env, property(env, args[1], "leads"), &leads, "\"leads\" expected a Float32Array") ||
      !read(env, property(env, args[1], "leadsCount"), &leads_count, "\"leadsCount\" expected a number") ||
      !read(env, property(env, args[1], "maxParts"), &max_parts, "\"maxParts\" expected a number") ||
      !read(env, property(env, args[1], "fewest"), &task.fewest, "\"fewest\" expected a boolean")) {
    return nullptr;
  }
  if (max_parts < 1 || max_parts > kMostParts || leads_count < 0 || leads_count > kMostRows ||
      targets.length != cosines.length * task.pool->dim() ||
      (leads_count == 0 ? leads.length > 0 : leads.length % static_cast<size_t>(leads_count) != 0)) {
    return fail(env, "the parts of the search do not fit together"), nullptr;
  }
  task.targets.assign(targets.data, targets.data + targets.length);
  task.cosines.assign(cosines.data, cosines.data + cosines.length);
  task.leads.assign(leads.data, leads.data + leads.length);
  task.leads_count = static_cast<size_t>(leads_count);
  task.max_parts = static_cast<size_t>(max_parts);
  return AsyncJob::start_on_own_thread(env, new SearchJob(std::move(task)));
}

}  // namespace

void register_compose(napi_env env, napi_value exports) {
  add_function<open>(env, exports, "composePoolOpen");
  add_function<put>(env, exports, "composePoolPut");
  add_function<search>(env, exports, "composePoolSearch");
  add_function<close>(env, exports, "composePoolClose");
}

}  // namespace quarry::napi
