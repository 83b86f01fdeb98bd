#include "binding/register.h"

NAPI_MODULE_INIT() {
  quarry::napi::register_core(env, exports);
  quarry::napi::register_kernels(env, exports);
  quarry::napi::register_model(env, exports);
  quarry::napi::register_distance(env, exports);
  quarry::napi::register_compose(env, exports);
  quarry::napi::register_hash(env, exports);
  quarry::napi::register_weights(env, exports);
  return exports;
}
