#pragma once
// What the test programs share: expectations that are counted, and the levels to test.
#include <cstdio>
#include <vector>

#include "core/cpu.h"

namespace quarry {

inline int failures = 0;

/// Counts and prints a failure unless `ok`; `a` and `b` say of which case.
inline void expect(bool ok, const char* what, Isa isa, size_t a = 0, size_t b = 0) {
  if (ok) return;
  ++failures;
  std::fprintf(stderr, "FAILED %s at %s (%zu, %zu)\n", what, isa_name(isa), a, b);
}

/// The levels this processor can run, serial first.
inline std::vector<Isa> usable_levels() {
  std::vector<Isa> usable;
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((usable_isa_mask() & bit) != 0) usable.push_back(static_cast<Isa>(bit));
  }
  return usable;
}

/// Ends a test program: prints the levels tested, and gives the exit status.
inline int finish() {
  for (const Isa isa : usable_levels()) std::printf("%s ", isa_name(isa));
  std::printf(failures == 0 ? "ok\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace quarry
