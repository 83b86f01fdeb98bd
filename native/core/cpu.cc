#include "core/cpu.h"

#include <cstring>

#include "platform/processor.h"

#if defined(QUARRY_X86)
#include <cpuid.h>
#endif

namespace quarry {

namespace {
struct Named {
  Isa isa;
  const char* name;
};
constexpr Named kNames[] = {
    {Isa::kSerial, "serial"}, {Isa::kNeon, "neon"},     {Isa::kNeonBf16, "neonbf16"},
    {Isa::kAvx2, "avx2"},     {Isa::kAvx512, "avx512"}, {Isa::kAvx512Bf16, "avx512bf16"},
};
constexpr uint32_t bit(Isa isa) { return static_cast<uint32_t>(isa); }

#if defined(QUARRY_X86)
struct X86Features {
  bool avx2 = false, avx512 = false, avx512bf16 = false;
};

// From CPUID itself: the compilers' builtins need a table that not every runtime fills. Wide registers count only where
// the operating system saves them (XCR0: 0x6 for AVX, 0xe6 for AVX-512). Each level includes the ones below.
X86Features x86_features() {
  X86Features found;
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kFma = 1u << 12, kOsxsave = 1u << 27, kAvx = 1u << 28;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
  if ((c & (kFma | kOsxsave | kAvx)) != (kFma | kOsxsave | kAvx)) return found;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 0x6u) != 0x6u || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
  const unsigned subleaves = a;
  constexpr unsigned kAvx512 = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);  // F, DQ, BW, VL
  found.avx2 = (b & (1u << 5)) != 0;
  found.avx512 = found.avx2 && (b & kAvx512) == kAvx512 && (low & 0xe6u) == 0xe6u;
  if (found.avx512 && subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    found.avx512bf16 = (a & (1u << 5)) != 0;
  }
  return found;
}
#endif

uint32_t find_usable_isa_mask() {
  uint32_t mask = bit(Isa::kSerial);
#if defined(QUARRY_X86)
  const X86Features features = x86_features();
  if (features.avx2) mask |= bit(Isa::kAvx2);
  if (features.avx512) mask |= bit(Isa::kAvx512);
  if (features.avx512bf16) mask |= bit(Isa::kAvx512Bf16);
#elif defined(QUARRY_ARM64)
  mask |= bit(Isa::kNeon);  // Advanced SIMD is part of the ARMv8-A baseline.
  if (arm_has_bf16()) mask |= bit(Isa::kNeonBf16);
#endif
  return mask;
}
}  // namespace

uint32_t compiled_isa_mask() {
  uint32_t mask = bit(Isa::kSerial);
#if defined(QUARRY_X86)
  mask |= bit(Isa::kAvx2) | bit(Isa::kAvx512) | bit(Isa::kAvx512Bf16);
#elif defined(QUARRY_ARM64)
  mask |= bit(Isa::kNeon) | bit(Isa::kNeonBf16);
#endif
  return mask;
}

// Found once: a virtual machine leaves for its host at every CPUID, which takes longer than hashing a sample.
uint32_t usable_isa_mask() {
  static const uint32_t mask = find_usable_isa_mask();
  return mask;
}

bool has_aes() {
#if defined(QUARRY_X86)
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 25)) != 0;
  }();
  return has;
#else
  return arm_has_aes();
#endif
}

bool has_vaes() {
#if defined(QUARRY_X86)
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & (1u << 9)) != 0;
  }();
  return has;
#else
  return false;
#endif
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

}  // namespace quarry
