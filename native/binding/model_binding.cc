#include "binding/register.h"

namespace quarry::napi {

void register_model(napi_env, napi_value) {}

}  // namespace quarry::napi
