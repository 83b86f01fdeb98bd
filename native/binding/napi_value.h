#pragma once
// Thin readers and makers of N-API values. A reader that fails leaves a TypeError pending and returns false; no C++
// exception crosses into JavaScript.
#include <node_api.h>

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"

namespace quarry::napi {

/// Leaves `TypeError: message` pending.
inline bool fail(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
  return false;
}

/// The call's arguments, missing ones undefined.
template <size_t N>
struct Args {
  napi_value value[N];
  Args(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, value, nullptr, nullptr);
  }
  napi_value operator[](size_t i) const { return value[i]; }
};

inline bool read(napi_env env, napi_value value, double* out, const char* message) {
  return napi_get_value_double(env, value, out) == napi_ok || fail(env, message);
}
inline bool read(napi_env env, napi_value value, int64_t* out, const char* message) {
  return napi_get_value_int64(env, value, out) == napi_ok || fail(env, message);
}
inline bool read(napi_env env, napi_value value, bool* out, const char* message) {
  return napi_get_value_bool(env, value, out) == napi_ok || fail(env, message);
}
/// From a bigint, modulo 2^64.
inline bool read(napi_env env, napi_value value, uint64_t* out, const char* message) {
  bool lossless = false;
  return napi_get_value_bigint_uint64(env, value, out, &lossless) == napi_ok || fail(env, message);
}
inline bool read(napi_env env, napi_value value, std::string* out, const char* message) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return fail(env, message);
  out->resize(length);
  napi_get_value_string_utf8(env, value, out->data(), length + 1, &length);
  return true;
}

/// A view of a typed array's elements; valid while JavaScript keeps the array alive and unmoved (buffers never move).
template <typename T>
struct View {
  T* data = nullptr;
  size_t length = 0;
};
template <typename T>
inline bool read_typed(napi_env env, napi_value value, napi_typedarray_type type, View<T>* out, const char* message) {
  bool is_typed = false;
  napi_is_typedarray(env, value, &is_typed);
  if (!is_typed) return fail(env, message);
  napi_typedarray_type got;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &got, &length, &data, nullptr, nullptr) != napi_ok || got != type) {
    return fail(env, message);
  }
  out->data = static_cast<T*>(data);
  out->length = length;
  return true;
}
inline bool read(napi_env env, napi_value value, View<float>* out, const char* message) {
  return read_typed(env, value, napi_float32_array, out, message);
}
inline bool read(napi_env env, napi_value value, View<double>* out, const char* message) {
  return read_typed(env, value, napi_float64_array, out, message);
}
inline bool read(napi_env env, napi_value value, View<uint16_t>* out, const char* message) {
  return read_typed(env, value, napi_uint16_array, out, message);
}
inline bool read(napi_env env, napi_value value, View<uint8_t>* out, const char* message) {
  return read_typed(env, value, napi_uint8_array, out, message);
}

/// Whether `length` is the product of `sizes`, all at least 1; false when the product overflows size_t.
inline bool is_product(std::initializer_list<int64_t> sizes, size_t length) {
  size_t product = 1;
  for (const int64_t size : sizes) {
    if (size < 1 || __builtin_mul_overflow(product, static_cast<size_t>(size), &product)) return false;
  }
  return product == length;
}

/// Runs `body`, and passes what it throws to `report(code, message)`: a CoreError under its own code, a failed allocation
/// under OUT_OF_MEMORY, anything else under FAILED.
template <typename Body, typename Report>
inline void run_reporting(Body body, Report report) {
  try {
    body();
  } catch (const CoreError& error) {
    report(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    report("OUT_OF_MEMORY", "out of memory");
  } catch (const std::exception& error) {
    report("FAILED", error.what());
  }
}

/// What `body` returns; null with a JavaScript error pending when it throws.
template <typename Body>
inline napi_value guarded(napi_env env, Body body) {
  napi_value value = nullptr;
  run_reporting([&] { value = body(); },
                [&](const char* code, const char* message) { napi_throw_error(env, code, message); });
  return value;
}

inline napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}
inline bool is_nullish(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}

inline napi_value number(napi_env env, double value) {
  napi_value out = nullptr;
  napi_create_double(env, value, &out);
  return out;
}
inline napi_value string(napi_env env, const std::string& value) {
  napi_value out = nullptr;
  napi_create_string_utf8(env, value.data(), value.size(), &out);
  return out;
}
inline napi_value boolean(napi_env env, bool value) {
  napi_value out = nullptr;
  napi_get_boolean(env, value, &out);
  return out;
}
inline napi_value undefined(napi_env env) {
  napi_value out = nullptr;
  napi_get_undefined(env, &out);
  return out;
}
inline void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}
/// A new typed array of `length` elements at(0), at(1), ...
template <typename T, typename At>
inline napi_value typed_array(napi_env env, napi_typedarray_type type, size_t length, At at) {
  void* memory = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, length * sizeof(T), &memory, &buffer) != napi_ok) return nullptr;
  for (size_t i = 0; i < length; ++i) static_cast<T*>(memory)[i] = at(i);
  napi_create_typedarray(env, type, length, buffer, 0, &array);
  return array;
}
/// New typed arrays holding a copy of `data`.
inline napi_value float32_array(napi_env env, const std::vector<float>& data) {
  return typed_array<float>(env, napi_float32_array, data.size(), [&](size_t i) { return data[i]; });
}
inline napi_value int32_array(napi_env env, const std::vector<int32_t>& data) {
  return typed_array<int32_t>(env, napi_int32_array, data.size(), [&](size_t i) { return data[i]; });
}
inline napi_value uint8_array(napi_env env, const uint8_t* data, size_t length) {
  return typed_array<uint8_t>(env, napi_uint8_array, length, [&](size_t i) { return data[i]; });
}

/// Exports `kCall`, which may throw.
template <napi_callback kCall>
inline void add_function(napi_env env, napi_value exports, const char* name) {
  const auto call = [](napi_env env, napi_callback_info info) {
    return guarded(env, [&] { return kCall(env, info); });
  };
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace quarry::napi
