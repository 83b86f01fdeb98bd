#pragma once
// C++ objects that JavaScript holds. Each is a shared pointer, so that a job keeps its object after it was closed or collected.
#include <memory>
#include <string>
#include <utility>

#include "binding/napi_value.h"

namespace quarry::napi {

template <typename T>
struct Handle {
  /// Tells objects of this kind from all others.
  napi_type_tag tag;
  /// Named in errors.
  const char* what;

  /// Makes an object of this kind for JavaScript; null with an exception pending when JavaScript cannot hold it.
  template <typename... Arguments>
  napi_value make(napi_env env, Arguments&&... arguments) const {
    auto* held = new std::shared_ptr<T>(std::make_shared<T>(std::forward<Arguments>(arguments)...));
    napi_value object = nullptr;
    if (napi_create_object(env, &object) == napi_ok && napi_type_tag_object(env, object, &tag) == napi_ok &&
        napi_wrap(
            env, object, held, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<T>*>(data); },
            nullptr, nullptr) == napi_ok) {
      return object;
    }
    delete held;
    napi_throw_error(env, nullptr, (std::string("cannot make a ") + what).c_str());
    return nullptr;
  }

  /// Fails on anything but an open object of this kind.
  bool read(napi_env env, napi_value object, std::shared_ptr<T>* out) const {
    const auto* held = unwrap(env, object);
    if (held == nullptr) return false;
    *out = *held;
    return *out != nullptr || fail(env, (std::string("the ") + what + " is closed").c_str());
  }

  /// Frees the object now, or as soon as no job uses it; a closed one stays closed. Fails on anything else.
  void close(napi_env env, napi_value object) const {
    if (auto* held = unwrap(env, object)) held->reset();
  }

 private:
  /// Null with a TypeError pending when `object` is of another kind.
  std::shared_ptr<T>* unwrap(napi_env env, napi_value object) const {
    bool tagged = false;
    void* data = nullptr;
    const bool ours = napi_check_object_type_tag(env, object, &tag, &tagged) == napi_ok && tagged &&
                      napi_unwrap(env, object, &data) == napi_ok;
    if (!ours) fail(env, (std::string("expected a ") + what).c_str());
    return ours ? static_cast<std::shared_ptr<T>*>(data) : nullptr;
  }
};

}  // namespace quarry::napi
