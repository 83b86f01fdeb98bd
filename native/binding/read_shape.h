#pragma once
// Reads the sizes of a model and the places of its tensors from a specification object.
#include <string>
#include <vector>

#include "binding/napi_value.h"
#include "forward/tensor_sources.h"

namespace quarry::napi {

inline bool read_size(napi_env env, napi_value object, const char* name, size_t* out, int64_t least = 1) {
  int64_t value = 0;
  if (!read(env, property(env, object, name), &value, name)) return false;
  // The sizes of a tensor and its bytes multiply to less than 2^64 with this.
  if (value < least || value > (int64_t{1} << 20)) return fail(env, name);
  *out = static_cast<size_t>(value);
  return true;
}

/// { embedding, heads, layers, hidden, vocabulary, tokens, batch }
inline bool read_shape(napi_env env, napi_value spec, ModelShape* shape) {
  if (!read_size(env, spec, "embedding", &shape->embedding) || !read_size(env, spec, "heads", &shape->heads) ||
      !read_size(env, spec, "layers", &shape->layers, 0) || !read_size(env, spec, "hidden", &shape->hidden) ||
      !read_size(env, spec, "vocabulary", &shape->vocabulary) || !read_size(env, spec, "tokens", &shape->tokens) ||
      !read_size(env, spec, "batch", &shape->batch)) {
    return false;
  }
  // So that the bytes of all layers do so too.
  constexpr size_t most_layers = size_t{1} << 16;
  return (shape->embedding % shape->heads == 0 && shape->head_width() % 2 == 0 && shape->vocabulary >= 258 &&
          shape->layers <= most_layers) ||
         fail(env, "shape: not a model this core can run");
}

/// { tensors }: a Float64Array of (dtype, offset, bytes) triples in the order of packed_weights.h.
inline bool read_tensors(napi_env env, napi_value spec, std::vector<TensorSource>* out) {
  View<double> tensors;
  if (!read(env, property(env, spec, "tensors"), &tensors, "tensors: expected a Float64Array")) return false;
  return tensor_sources(tensors.data, tensors.length, out) ||
         fail(env, "tensors: expected triples of element type, offset and bytes");
}

}  // namespace quarry::napi
