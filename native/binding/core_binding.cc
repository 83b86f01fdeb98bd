#include "binding/napi_value.h"
#include "binding/register.h"
#include "core/cpu.h"

namespace quarry::napi {

namespace {
// capabilities(): { compiled: mask, usable: mask, best: name, cpus: count }
napi_value capabilities(napi_env env, napi_callback_info) {
  napi_value out = nullptr;
  napi_create_object(env, &out);
  set(env, out, "compiled", number(env, compiled_isa_mask()));
  set(env, out, "usable", number(env, usable_isa_mask()));
  set(env, out, "best", string(env, isa_name(best_isa())));
  set(env, out, "cpus", number(env, usable_cpus()));
  return out;
}
}  // namespace

void register_core(napi_env env, napi_value exports) { add_function(env, exports, "capabilities", capabilities); }

}  // namespace quarry::napi
