#include "binding/register.h"

NAPI_MODULE_INIT() {
  quarry::napi::register_core(env, exports);
  quarry::napi::register_model(env, exports);
  return exports;
}
