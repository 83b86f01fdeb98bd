// The distance scan for JavaScript: rows in a typed array, or picked from mapped files.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "binding/async_job.h"
#include "binding/handle.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/register.h"
#include "core/error.h"
#include "distance/mapped_file.h"
#include "distance/scan.h"

namespace quarry::napi {

namespace {

struct Scanner {
  Scanner(Isa isa, unsigned threads) : kernels(distance_kernels_for(isa)), pool(threads) {}

  const DistanceKernels& kernels;
  ThreadPool pool;
  /// One scan at a time uses the pool.
  std::mutex pool_mutex;
  std::mutex files_mutex;
  std::map<std::string, std::shared_ptr<const MappedFile>> files;

  std::shared_ptr<const MappedFile> file(const std::string& path, size_t bytes, Reading reading) {
    const std::lock_guard<std::mutex> lock(files_mutex);
    auto found = files.find(path);
    if (found != files.end() && found->second->reserved() >= bytes) {
      // Reading pages that a truncation removed would end the process.
      if (!found->second->holds(bytes)) throw CoreError("IO", path + " became shorter than its records");
      return found->second;
    }
    auto mapped = MappedFile::open(path, bytes, reading);
    files[path] = mapped;
    return mapped;
  }
};

using ScannerRef = std::shared_ptr<Scanner>;
constexpr Handle<Scanner> kScanner = {{0x6d20b1f9a47c3e85ull, 0xe1834f5d92b7c06aull}, "distance scanner"};

struct Task {
  ScannerRef scanner;
  ScanRequest request;
  std::vector<float> targets;
  std::vector<float> thresholds;
  std::vector<std::shared_ptr<const MappedFile>> mapped;
};

template <typename T>
napi_value hits_column(napi_env env, napi_typedarray_type type, const std::vector<ScanHit>& hits, T ScanHit::*field) {
  return typed_array<T>(env, type, hits.size(), [&](size_t i) { return hits[i].*field; });
}

napi_value hits_value(napi_env env, const std::vector<ScanHit>& hits) {
  napi_value out = nullptr;
  napi_create_object(env, &out);
  set(env, out, "rows", hits_column(env, napi_uint32_array, hits, &ScanHit::row));
  set(env, out, "targets", hits_column(env, napi_uint32_array, hits, &ScanHit::target));
  set(env, out, "distances", hits_column(env, napi_float32_array, hits, &ScanHit::distance));
  return out;
}

class ScanJob : public AsyncJob {
 public:
  ScanJob(napi_env env, Task task, std::vector<napi_ref> kept)
      : env_(env), task_(std::move(task)), kept_(std::move(kept)) {}
  /// On the JavaScript thread, whether the scan succeeded or not.
  ~ScanJob() override {
    for (napi_ref ref : kept_) napi_delete_reference(env_, ref);
  }

 protected:
  void work() override {
    const std::lock_guard<std::mutex> lock(task_.scanner->pool_mutex);
    hits_ = scan(task_.request, task_.scanner->kernels, task_.scanner->pool, &abort_);
    if (aborted()) throw CoreError("ABORTED", "aborted");
  }
  napi_value result(napi_env env) override { return hits_value(env, hits_); }

 private:
  napi_env env_;
  Task task_;
  std::vector<napi_ref> kept_;
  std::vector<ScanHit> hits_;
};

/// Values of one row; products with counts of rows stay far from overflowing.
constexpr size_t kMostWidth = size_t{1} << 24;
/// Rows of one table.
constexpr double kMostRows = 4294967296.0;

// What both kinds of scan share: { targets, thresholds, mode, limit, from, to, sync }.
bool read_options(napi_env env, napi_value options, size_t dim, Task* task, bool* sync) {
  View<float> targets;
  View<float> thresholds;
  int64_t mode = 0;
  int64_t limit = 1;
  int64_t from = 0;
  int64_t to = 0;
  if (!read(env, property(env, options, "targets"), &targets, "\"targets\" expected a Float32Array") ||
      !read(env, property(env, options, "thresholds"), &thresholds, "\"thresholds\" expected a Float32Array") ||
      !read(env, property(env, options, "mode"), &mode, "\"mode\" expected a number") ||
      !read(env, property(env, options, "limit"), &limit, "\"limit\" expected a number") ||
      !read(env, property(env, options, "from"), &from, "\"from\" expected a number") ||
      !read(env, property(env, options, "to"), &to, "\"to\" expected a number") ||
      !read(env, property(env, options, "sync"), sync, "\"sync\" expected a boolean")) {
    return false;
  }
  // A negative width, read as unsigned, is far beyond this.
  if (dim == 0 || dim > kMostWidth || targets.length != thresholds.length * dim) return fail(env, "\"targets\" expected [targets, dim]");
  if (mode < 0 || mode > 2 || limit < 0 || from < 0 || to < 0) return fail(env, "a scan option is out of range");
  task->targets.assign(targets.data, targets.data + targets.length);
  task->thresholds.assign(thresholds.data, thresholds.data + thresholds.length);
  ScanRequest& request = task->request;
  request.target_count = thresholds.length;
  request.mode = static_cast<ScanMode>(mode);
  request.limit = static_cast<size_t>(limit);
  request.from = static_cast<size_t>(from);
  request.to = static_cast<size_t>(to);
  return true;
}

napi_value launch(napi_env env, Task task, bool sync, std::initializer_list<napi_value> keep) {
  // Moving the vectors keeps their memory, so the request may point into it.
  task.request.targets = task.targets.data();
  task.request.thresholds = task.thresholds.data();
  if (sync) {
    ThreadPool alone(1);
    return hits_value(env, scan(task.request, task.scanner->kernels, alone, nullptr));
  }
  std::vector<napi_ref> kept;
  for (napi_value value : keep) {
    napi_ref ref = nullptr;
    napi_create_reference(env, value, 1, &ref);
    kept.push_back(ref);
  }
  return AsyncJob::start(env, new ScanJob(env, std::move(task), std::move(kept)));
}

// distanceOpen(isa: string, threads: number): scanner
napi_value open(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  int64_t threads = 1;
  Isa isa;
  if (!read_any_level(env, args[0], &isa) ||
      !read(env, args[1], &threads, "\"threads\" expected a number")) {
    return nullptr;
  }
  return kScanner.make(env, isa, static_cast<unsigned>(std::clamp<int64_t>(threads, 1, 1024)));
}

// distanceScanRows(scanner, data: Float32Array | Uint16Array, dim, options)
napi_value scan_rows(napi_env env, napi_callback_info info) {
  const Args<4> args(env, info);
  Task task;
  int64_t dim = 0;
  bool sync = false;
  if (!kScanner.read(env, args[0], &task.scanner) || !read(env, args[2], &dim, "\"dim\" expected a number") ||
      !read_options(env, args[3], static_cast<size_t>(dim), &task, &sync)) {
    return nullptr;
  }
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, args[1], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      (type != napi_float32_array && type != napi_uint16_array)) {
    return fail(env, "\"data\" expected a Float32Array or Uint16Array"), nullptr;
  }
  ScanRows& rows = task.request.rows;
  rows.dim = static_cast<size_t>(dim);
  rows.count = length / rows.dim;
  // An empty array may have no address, which would read as the other type.
  if (rows.count == 0) data = task.targets.data();
  if (type == napi_float32_array) rows.f32 = static_cast<const float*>(data);
  else rows.bf16 = static_cast<const uint16_t*>(data);
  return launch(env, std::move(task), sync, {args[1]});
}

bool read_strings(napi_env env, napi_value array, std::vector<std::string>* out) {
  uint32_t length = 0;
  if (napi_get_array_length(env, array, &length) != napi_ok) return fail(env, "expected an array of strings");
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element = nullptr;
    std::string text;
    if (napi_get_element(env, array, i, &element) != napi_ok || !read(env, element, &text, "expected a string")) {
      return false;
    }
    out->push_back(text);
  }
  return true;
}

// distanceScanFiles(scanner, { f32Paths, bf16Paths, tableRows: Float64Array, tables: Uint8Array, rows: Uint32Array,
//                              count, dim }, options)
napi_value scan_files(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  Task task;
  int64_t dim = 0;
  int64_t count = 0;
  bool sync = false;
  const napi_value tables_value = property(env, args[1], "tables");
  const napi_value rows_value = property(env, args[1], "rows");
  View<uint8_t> tables;
  View<uint32_t> rows;
  View<double> table_rows;
  std::vector<std::string> f32_paths;
  std::vector<std::string> bf16_paths;
  if (!kScanner.read(env, args[0], &task.scanner) ||
      !read(env, property(env, args[1], "dim"), &dim, "\"dim\" expected a number") ||
      !read(env, property(env, args[1], "count"), &count, "\"count\" expected a number") ||
      !read_options(env, args[2], static_cast<size_t>(dim), &task, &sync) ||
      !read(env, tables_value, &tables, "\"tables\" expected a Uint8Array") ||
      !read_typed(env, rows_value, napi_uint32_array, &rows, "\"rows\" expected a Uint32Array") ||
      !read_typed(env, property(env, args[1], "tableRows"), napi_float64_array, &table_rows,
                  "\"tableRows\" expected a Float64Array") ||
      !read_strings(env, property(env, args[1], "f32Paths"), &f32_paths) ||
      !read_strings(env, property(env, args[1], "bf16Paths"), &bf16_paths)) {
    return nullptr;
  }
  const size_t wanted = static_cast<size_t>(count);
  if (count < 0 || wanted > tables.length || wanted > rows.length || f32_paths.size() != bf16_paths.size() ||
      f32_paths.size() != table_rows.length || f32_paths.size() > 254) {
    return fail(env, "the selection's parts do not fit together"), nullptr;
  }
  ScanRows& selection = task.request.rows;
  selection.dim = static_cast<size_t>(dim);
  selection.count = wanted;
  selection.tables = tables.data;
  selection.rows = rows.data;
  if (wanted == 0) selection.tables = reinterpret_cast<const uint8_t*>("");
  for (size_t i = 0; i < f32_paths.size(); ++i) {
    if (!(table_rows.data[i] >= 0 && table_rows.data[i] <= kMostRows)) {
      return fail(env, "\"tableRows\" out of range"), nullptr;
    }
    const size_t values = static_cast<size_t>(table_rows.data[i]) * selection.dim;
    auto f32 = task.scanner->file(f32_paths[i], values * sizeof(float), Reading::kPicked);
    auto bf16 = task.scanner->file(bf16_paths[i], values * sizeof(uint16_t), Reading::kStreamed);
    selection.sources.push_back({static_cast<const uint16_t*>(bf16->data()), static_cast<const float*>(f32->data()),
                                 static_cast<size_t>(table_rows.data[i])});
    task.mapped.push_back(std::move(f32));
    task.mapped.push_back(std::move(bf16));
  }
  return launch(env, std::move(task), sync, {tables_value, rows_value});
}

// distanceRelease(scanner, paths): forgets mappings; scans in progress keep theirs.
napi_value release_files(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  ScannerRef scanner;
  std::vector<std::string> paths;
  if (!kScanner.read(env, args[0], &scanner) || !read_strings(env, args[1], &paths)) return nullptr;
  const std::lock_guard<std::mutex> lock(scanner->files_mutex);
  for (const std::string& path : paths) scanner->files.erase(path);
  return undefined(env);
}

}  // namespace

void register_distance(napi_env env, napi_value exports) {
  add_function<open>(env, exports, "distanceOpen");
  add_function<scan_rows>(env, exports, "distanceScanRows");
  add_function<scan_files>(env, exports, "distanceScanFiles");
  add_function<release_files>(env, exports, "distanceRelease");
}

}  // namespace quarry::napi
