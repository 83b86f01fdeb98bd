#pragma once
// Each part of the core adds its functions to the add-on's exports.
#include <node_api.h>

namespace quarry::napi {

/// capabilities, probes of the machine's limits.
void register_core(napi_env env, napi_value exports);
/// Single kernels of a chosen level, for tests and benches.
void register_kernels(napi_env env, napi_value exports);
/// Models: pack, load, score.
void register_model(napi_env env, napi_value exports);

/// The distance scan over typed arrays and mapped files.
void register_distance(napi_env env, napi_value exports);
/// Pools of rows that compositions are searched in.
void register_compose(napi_env env, napi_value exports);
/// BLAKE2b-256.
void register_hash(napi_env env, napi_value exports);
/// Weights files as they are downloaded.
void register_weights(napi_env env, napi_value exports);

}  // namespace quarry::napi
