#include "core/cpu.h"

#include <cstring>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace quarry {

namespace {
struct Named {
  Isa isa;
  const char* name;
};
constexpr Named kNames[] = {
    {Isa::kSerial, "serial"}, {Isa::kNeon, "neon"},           {Isa::kAvx2, "avx2"},
    {Isa::kAvx512, "avx512"}, {Isa::kAvx512Bf16, "avx512bf16"},
};
constexpr uint32_t bit(Isa isa) { return static_cast<uint32_t>(isa); }
}  // namespace

uint32_t compiled_isa_mask() {
  uint32_t mask = bit(Isa::kSerial);
#if defined(QUARRY_X86)
  mask |= bit(Isa::kAvx2) | bit(Isa::kAvx512) | bit(Isa::kAvx512Bf16);
#elif defined(QUARRY_ARM64)
  mask |= bit(Isa::kNeon);
#endif
  return mask;
}

uint32_t usable_isa_mask() {
  uint32_t mask = bit(Isa::kSerial);
#if defined(QUARRY_X86)
  // The builtins read CPUID and check with XGETBV that the operating system saves the wide registers.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    mask |= bit(Isa::kAvx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      mask |= bit(Isa::kAvx512);
      if (__builtin_cpu_supports("avx512bf16")) mask |= bit(Isa::kAvx512Bf16);
    }
  }
#elif defined(QUARRY_ARM64)
  mask |= bit(Isa::kNeon);  // Advanced SIMD is part of the ARMv8-A baseline.
#endif
  return mask;
}

Isa best_isa() {
  const uint32_t mask = usable_isa_mask();
  Isa best = Isa::kSerial;
  for (const Named& named : kNames) {
    if (mask & bit(named.isa)) best = named.isa;
  }
  return best;
}

const char* isa_name(Isa isa) {
  for (const Named& named : kNames) {
    if (named.isa == isa) return named.name;
  }
  return "unknown";
}

bool isa_from_name(const char* name, Isa* out) {
  for (const Named& named : kNames) {
    if (std::strcmp(named.name, name) == 0) {
      *out = named.isa;
      return true;
    }
  }
  return false;
}

unsigned usable_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

}  // namespace quarry
