#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <bit>
#include <cstdint>

#include "platform/processor.h"

namespace quarry {

unsigned usable_processors() {
  // Of the group this process is in: 64 at most.
  DWORD_PTR mine = 0, all = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) || mine == 0) return 1;
  return static_cast<unsigned>(std::popcount(static_cast<uint64_t>(mine)));
}

bool arm_has_bf16() { return false; }
bool arm_has_aes() { return false; }

}  // namespace quarry
#endif
