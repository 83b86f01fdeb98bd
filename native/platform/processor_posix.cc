#if !defined(_WIN32)
#include <thread>

#include "platform/processor.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace quarry {

unsigned usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

#if defined(QUARRY_ARM64) && defined(__linux__)
bool arm_has_bf16() {
  constexpr unsigned long kHwcap2Bf16 = 1ul << 14;
  return (getauxval(AT_HWCAP2) & kHwcap2Bf16) != 0;
}
bool arm_has_aes() {
  constexpr unsigned long kHwcapAes = 1ul << 3;
  return (getauxval(AT_HWCAP) & kHwcapAes) != 0;
}
#elif defined(QUARRY_ARM64) && defined(__APPLE__)
bool arm_has_bf16() {
  int present = 0;
  size_t size = sizeof present;
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &present, &size, nullptr, 0) == 0 && present != 0;
}
bool arm_has_aes() { return true; }  // Every ARM processor that runs macOS.
#else
bool arm_has_bf16() { return false; }
bool arm_has_aes() { return false; }
#endif

}  // namespace quarry
#endif
