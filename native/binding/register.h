#pragma once
// Each part of the core adds its functions to the add-on's exports.
#include <node_api.h>

namespace quarry::napi {

/// capabilities, probes of the machine's limits, kernel entry points for tests and benches.
void register_core(napi_env env, napi_value exports);
/// Models: pack, load, score.
void register_model(napi_env env, napi_value exports);

}  // namespace quarry::napi
