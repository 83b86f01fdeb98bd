#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "binding/async_job.h"
#include "binding/handle.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/read_shape.h"
#include "binding/register.h"
#include "core/error.h"
#include "forward/weights_stream.h"

namespace quarry::napi {

namespace {

using Shared = std::shared_ptr<WeightsStream>;
constexpr Handle<WeightsStream> kStream = {{0x3be07f5ac1d84296ull, 0xa65d1c0f9b7e3824ull}, "weights stream"};

// weightsStreamCreate(isa, path, key, start: number, size: number): object, or undefined where the level has no AES
// instructions
napi_value create_stream(napi_env env, napi_callback_info info) {
  const Args<5> args(env, info);
  Isa isa;
  std::string path;
  View<uint8_t> key;
  int64_t start = 0;
  int64_t size = 0;
  if (!read_level(env, args[0], &isa) || !read(env, args[1], &path, "path: expected a string") ||
      !read(env, args[2], &key, "key: expected a Uint8Array") || !read(env, args[3], &start, "start: expected a number") ||
      !read(env, args[4], &size, "size: expected a number")) {
    return nullptr;
  }
  if (key.length != 32) return fail(env, "key: expected 32 bytes"), nullptr;
  if (start < 0 || size < start) return fail(env, "start, size: out of range"), nullptr;
  const HashingCipherKernels* cipher = hashing_cipher_kernels_for(isa);
  if (cipher == nullptr) return undefined(env);
  return kStream.make(env, path, static_cast<uint64_t>(start), static_cast<uint64_t>(size), *cipher, key.data);
}

// weightsStreamPack(stream, { isa, precision, cacheDir, checksum, tensors, ...shape }, size: number): whether it packs;
// not where the packed form is there already
napi_value pack_stream(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  napi_value spec = args[1];
  Shared stream;
  ModelShape shape;
  Isa isa;
  Precision precision;
  std::string cache_dir;
  std::string checksum;
  std::vector<TensorSource> tensors;
  int64_t size = 0;
  if (!kStream.read(env, args[0], &stream) || !read_shape(env, spec, &shape) ||
      !read_level(env, property(env, spec, "isa"), &isa) ||
      !read_precision(env, property(env, spec, "precision"), &precision) ||
      !read(env, property(env, spec, "cacheDir"), &cache_dir, "cacheDir: expected a string") ||
      !read(env, property(env, spec, "checksum"), &checksum, "checksum: expected a string") ||
      !read(env, args[2], &size, "size: expected a number") || !read_tensors(env, spec, &tensors)) {
    return nullptr;
  }
  const bool packs = PackedWeights::map(shape, precision, cache_dir, checksum) == nullptr;
  if (packs) {
    stream->pack_into(std::make_unique<WeightsPacker>(shape, precision, tensors, static_cast<uint64_t>(size),
                                                      kernels_for(isa), cache_dir, checksum));
  }
  return boolean(env, packs);
}

// weightsStreamHead(stream): Uint8Array, a copy
napi_value head_of_stream(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  Shared stream;
  if (!kStream.read(env, args[0], &stream)) return nullptr;
  return uint8_array(env, stream->head().data(), stream->head().size());
}

// weightsStreamClose(stream): writes out and frees what it holds as soon as no job uses it
napi_value close_stream(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  kStream.close(env, args[0]);
  return undefined(env);
}

class StreamJob : public AsyncJob {
 public:
  Shared stream;

 protected:
  napi_value result(napi_env env) override { return undefined(env); }
};

class Push : public StreamJob {
 public:
  explicit Push(napi_env env) : env_(env) {}
  ~Push() override {
    if (kept_ != nullptr) napi_delete_reference(env_, kept_);
  }
  bool read(napi_value list) {
    uint32_t count = 0;
    if (napi_get_array_length(env_, list, &count) != napi_ok) return fail(env_, "pieces: expected an array");
    for (uint32_t i = 0; i < count; ++i) {
      napi_value element = nullptr;
      View<uint8_t> bytes;
      napi_get_element(env_, list, i, &element);
      if (!napi::read(env_, element, &bytes, "pieces: expected Uint8Arrays")) return false;
      pieces_.emplace_back(bytes.data, bytes.length);
    }
    // The pieces are not copied: the list keeps them until the job is done.
    return napi_create_reference(env_, list, 1, &kept_) == napi_ok;
  }

 protected:
  void work() override { stream->push(pieces_, &abort_); }

 private:
  napi_env env_;
  napi_ref kept_ = nullptr;
  std::vector<std::pair<const uint8_t*, size_t>> pieces_;
};

// weightsStreamPush(stream, pieces: Uint8Array[]): { promise, abort }. The pieces must not change until then, and no
// other job of the stream may run.
napi_value push_stream(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  auto job = std::make_unique<Push>(env);
  if (!kStream.read(env, args[0], &job->stream) || !job->read(args[1])) return nullptr;
  return AsyncJob::start(env, job.release());
}

class Recover : public StreamJob {
  void work() override { stream->recover(&abort_); }
};

class Publish : public StreamJob {
  void work() override { stream->publish(); }
};

class Finish : public StreamJob {
  void work() override { digest_ = stream->finish(); }
  napi_value result(napi_env env) override { return uint8_array(env, digest_.data(), digest_.size()); }
  std::array<uint8_t, 32> digest_{};
};

// weightsStreamRecover(stream), weightsStreamPublish(stream): { promise, abort }
// weightsStreamFinish(stream): { promise: the checksum, 32 bytes, abort }
template <typename Job>
napi_value start_job(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  auto job = std::make_unique<Job>();
  if (!kStream.read(env, args[0], &job->stream)) return nullptr;
  return AsyncJob::start(env, job.release());
}

class ProbeWrite : public NumberJob {
 public:
  std::string path;
  int64_t bytes = 0;
  int64_t block = 0;

 protected:
  void work() override {
    AlignedBuffer<char> data(static_cast<size_t>(block));
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 167 + (i >> 8));
    FileWriter file(path, Access::kReplace, 0600);
    const auto begin = std::chrono::steady_clock::now();
    uint64_t before = 0;
    for (int64_t at = 0; at < bytes && !aborted(); at += block) {
      if (at % (int64_t{256} << 20) < block) file.reserve(static_cast<uint64_t>(std::min(bytes, at + (int64_t{256} << 20))));
      const auto size = static_cast<size_t>(std::min(block, bytes - at));
      const uint64_t number = file.queue(data.data(), size, static_cast<uint64_t>(at));
      if (before > 0) file.wait(before);
      before = number;
    }
    file.drain();
    if (!file.file().sync()) throw_errno("writing " + path);
    value_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
};

// probeWrite(path, bytes: number, block: number): { promise: seconds, abort }. What the disk takes to store a file the
// way a weights stream does.
napi_value probe_write(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  auto job = std::make_unique<ProbeWrite>();
  if (!read(env, args[0], &job->path, "path: expected a string") ||
      !read(env, args[1], &job->bytes, "bytes: expected a number") ||
      !read(env, args[2], &job->block, "block: expected a number")) {
    return nullptr;
  }
  if (job->bytes < 1 || job->block < 1 || job->block > (int64_t{1} << 30)) return fail(env, "out of range"), nullptr;
  return AsyncJob::start(env, job.release());
}

}  // namespace

void register_weights(napi_env env, napi_value exports) {
  add_function<create_stream>(env, exports, "weightsStreamCreate");
  add_function<pack_stream>(env, exports, "weightsStreamPack");
  add_function<head_of_stream>(env, exports, "weightsStreamHead");
  add_function<push_stream>(env, exports, "weightsStreamPush");
  add_function<start_job<Recover>>(env, exports, "weightsStreamRecover");
  add_function<start_job<Finish>>(env, exports, "weightsStreamFinish");
  add_function<start_job<Publish>>(env, exports, "weightsStreamPublish");
  add_function<close_stream>(env, exports, "weightsStreamClose");
  add_function<probe_write>(env, exports, "probeWrite");
}

}  // namespace quarry::napi
