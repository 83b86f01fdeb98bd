#pragma once
#include "binding/napi_value.h"
#include "kernels/kernels.h"

namespace quarry::napi {

/// A level from its name, usable or not: for functions that fall back to serial.
inline bool read_any_level(napi_env env, napi_value value, Isa* out) {
  std::string name;
  if (!read(env, value, &name, "isa: expected a string")) return false;
  return isa_from_name(name.c_str(), out) || fail(env, "isa: unknown level");
}

/// A usable level from its name.
inline bool read_level(napi_env env, napi_value value, Isa* out) {
  if (!read_any_level(env, value, out)) return false;
  if ((usable_isa_mask() & static_cast<uint32_t>(*out)) == 0) return fail(env, "isa: this processor cannot run that level");
  return true;
}

/// `f32` or `bf16`.
inline bool read_precision(napi_env env, napi_value value, Precision* out) {
  std::string name;
  if (!read(env, value, &name, "precision: expected a string")) return false;
  if (name != "f32" && name != "bf16") return fail(env, "precision: expected f32 or bf16");
  *out = name == "bf16" ? Precision::kBf16 : Precision::kF32;
  return true;
}

}  // namespace quarry::napi
