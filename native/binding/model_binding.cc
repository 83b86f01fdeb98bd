#include <memory>
#include <string>
#include <vector>

#include "binding/async_job.h"
#include "binding/handle.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/read_shape.h"
#include "binding/register.h"
#include "forward/model.h"

namespace quarry::napi {

namespace {

using Shared = std::shared_ptr<Model>;
constexpr Handle<Model> kModel = {{0x51a7c3d96e2b4f08ull, 0x9c1e5d7a30b8f264ull}, "model"};

// createModel({ embedding, heads, layers, hidden, vocabulary, tokens, batch, isa, threads, path, tensors, cacheDir,
// checksum }): model. `tensors` is a Float64Array of (dtype, offset, bytes) triples in the order of packed_weights.h.
napi_value create_model(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  napi_value spec = args[0];
  ModelOptions options;
  size_t threads = 1;
  if (!read_shape(env, spec, &options.shape) || !read_size(env, spec, "threads", &threads) ||
      !read_level(env, property(env, spec, "isa"), &options.isa) ||
      !read(env, property(env, spec, "path"), &options.weights_path, "path: expected a string") ||
      !read(env, property(env, spec, "cacheDir"), &options.cache_dir, "cacheDir: expected a string") ||
      !read(env, property(env, spec, "checksum"), &options.checksum, "checksum: expected a string") ||
      !read_tensors(env, spec, &options.tensors)) {
    return nullptr;
  }
  if (threads > 1024) return fail(env, "threads: at most 1024"), nullptr;
  options.threads = static_cast<unsigned>(threads);
  return kModel.make(env, std::move(options));
}

// closeModel(model): frees it as soon as no job uses it
napi_value close_model(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  kModel.close(env, args[0]);
  return undefined(env);
}

class Prepare : public AsyncJob {
 public:
  Shared model;
  Precision precision;

 protected:
  void work() override { packed_ = model->prepare(precision, &abort_); }
  napi_value result(napi_env env) override { return boolean(env, packed_); }

 private:
  bool packed_ = false;
};

// prepareModel(model, precision): { promise: whether weights were packed, abort }
napi_value prepare_model(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  auto job = std::make_unique<Prepare>();
  if (!kModel.read(env, args[0], &job->model) || !read_precision(env, args[1], &job->precision)) return nullptr;
  return AsyncJob::start_on_own_thread(env, job.release());
}

class ScoreJob : public AsyncJob {
 public:
  Shared model;
  Precision precision;
  uint64_t seed = 0;
  size_t tokens = 0;
  std::vector<std::vector<uint8_t>> samples;

 protected:
  void work() override { scores_ = model->score(samples, seed, precision, tokens, &abort_); }
  napi_value result(napi_env env) override {
    napi_value out = nullptr;
    napi_create_array_with_length(env, scores_.size(), &out);
    for (size_t i = 0; i < scores_.size(); ++i) {
      const SampleScore& score = scores_[i];
      napi_value object = nullptr;
      napi_create_object(env, &object);
      set(env, object, "loss", number(env, score.loss));
      set(env, object, "embedding", float32_array(env, score.embedding));
      set(env, object, "activation", number(env, score.activation));
      set(env, object, "attention", number(env, score.attention));
      napi_set_element(env, out, static_cast<uint32_t>(i), object);
    }
    return out;
  }

 private:
  std::vector<SampleScore> scores_;
};

// scoreModel(model, samples: Uint8Array[], seed: bigint, precision, tokens?: number):
// { promise: { loss, embedding, activation, attention }[], abort }
napi_value score_model(napi_env env, napi_callback_info info) {
  const Args<5> args(env, info);
  auto job = std::make_unique<ScoreJob>();
  uint32_t count = 0;
  if (!kModel.read(env, args[0], &job->model)) return nullptr;
  if (napi_get_array_length(env, args[1], &count) != napi_ok) {
    fail(env, "samples: expected an array");
    return nullptr;
  }
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element = nullptr;
    View<uint8_t> bytes;
    napi_get_element(env, args[1], i, &element);
    if (!read(env, element, &bytes, "samples: expected Uint8Arrays")) return nullptr;
    // Copied, a megabyte at most: the caller may reuse its buffer while the job runs.
    job->samples.emplace_back(bytes.data, bytes.data + bytes.length);
  }
  if (!read(env, args[2], &job->seed, "seed: expected a bigint") || !read_precision(env, args[3], &job->precision)) {
    return nullptr;
  }
  job->tokens = job->model->shape().tokens;
  if (!is_nullish(env, args[4])) {
    int64_t tokens = 0;
    if (!read(env, args[4], &tokens, "tokens: expected a number")) return nullptr;
    if (tokens < 1 || tokens > (1 << 20)) {
      fail(env, "tokens: out of range");
      return nullptr;
    }
    job->tokens = static_cast<size_t>(tokens);
  }
  return AsyncJob::start_on_own_thread(env, job.release());
}

class GradientJob : public AsyncJob {
 public:
  Shared model;
  Precision precision;
  std::vector<uint8_t> sample;
  std::vector<float> direction;

 protected:
  void work() override { gradient_ = model->byte_gradient(sample, direction, precision, &abort_); }
  napi_value result(napi_env env) override { return float32_array(env, gradient_); }

 private:
  std::vector<float> gradient_;
};

// gradientOfModel(model, sample: Uint8Array, direction: Float32Array, precision): { promise: Float32Array, abort }
napi_value gradient_of_model(napi_env env, napi_callback_info info) {
  const Args<4> args(env, info);
  auto job = std::make_unique<GradientJob>();
  View<uint8_t> sample;
  View<float> direction;
  if (!kModel.read(env, args[0], &job->model) || !read(env, args[1], &sample, "sample: expected a Uint8Array") ||
      !read(env, args[2], &direction, "direction: expected a Float32Array") ||
      !read_precision(env, args[3], &job->precision)) {
    return nullptr;
  }
  job->sample.assign(sample.data, sample.data + sample.length);
  job->direction.assign(direction.data, direction.data + direction.length);
  return AsyncJob::start_on_own_thread(env, job.release());
}

class MixtureJob : public AsyncJob {
 public:
  Shared model;
  Precision precision;
  std::vector<float> mixture;
  std::vector<float> target;
  double loss_weight = 0;

 protected:
  void work() override {
    gradient_ = model->mixture_gradient(mixture, target, static_cast<float>(loss_weight), precision, &abort_);
  }
  napi_value result(napi_env env) override {
    napi_value object = nullptr;
    napi_create_object(env, &object);
    set(env, object, "gradient", float32_array(env, gradient_.gradient));
    set(env, object, "cosine", number(env, gradient_.values.cosine));
    set(env, object, "crossEntropy", number(env, gradient_.values.cross_entropy));
    return object;
  }

 private:
  MixtureGradient gradient_;
};

// mixtureGradientOfModel(model, mixture: Float32Array, target: Float32Array, lossWeight: number, precision):
// { promise: { gradient, cosine, crossEntropy }, abort }
napi_value mixture_gradient_of_model(napi_env env, napi_callback_info info) {
  const Args<5> args(env, info);
  auto job = std::make_unique<MixtureJob>();
  View<float> mixture;
  View<float> target;
  if (!kModel.read(env, args[0], &job->model) || !read(env, args[1], &mixture, "mixture: expected a Float32Array") ||
      !read(env, args[2], &target, "target: expected a Float32Array") ||
      !read(env, args[3], &job->loss_weight, "lossWeight: expected a number") ||
      !read_precision(env, args[4], &job->precision)) {
    return nullptr;
  }
  job->mixture.assign(mixture.data, mixture.data + mixture.length);
  job->target.assign(target.data, target.data + target.length);
  return AsyncJob::start_on_own_thread(env, job.release());
}

}  // namespace

void register_model(napi_env env, napi_value exports) {
  add_function<create_model>(env, exports, "createModel");
  add_function<close_model>(env, exports, "closeModel");
  add_function<prepare_model>(env, exports, "prepareModel");
  add_function<score_model>(env, exports, "scoreModel");
  add_function<gradient_of_model>(env, exports, "gradientOfModel");
  add_function<mixture_gradient_of_model>(env, exports, "mixtureGradientOfModel");
}

}  // namespace quarry::napi
