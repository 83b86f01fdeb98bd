#pragma once
// The order in which a dot_rows kernel takes rows. One core reaches the memory's bandwidth only when the hardware's
// prefetcher does the asking: it follows lines in sequence, a few streams at a time, and stops at the end of a page.
// So rows are taken as four runs far apart, each in sequence, and the first line of every page two rows further on is
// named to it, which also has the page's address translated in time. Asking for every line by software instead, or
// walking through neighbouring rows side by side, is slower by a fifth.
//
// Included by kernel translation units only; nothing here is shared between levels.
#include <cstddef>

namespace quarry {
namespace {

constexpr size_t kStreams = 4;
constexpr size_t kRowsAhead = 2;
constexpr size_t kPageBytes = 4096;

/// Calls `four(first, apart)` for the rows first + {0, 1, 2, 3} * apart, and `one(row)` for each remaining row.
template <typename T, typename Four, typename One>
inline __attribute__((always_inline)) void in_streams(const T* const* rows, size_t n, size_t dim, Four four, One one) {
  const size_t run = n / kStreams;
  for (size_t i = 0; i < run; ++i) {
    for (size_t r = 0; r < kStreams; ++r) {
      const size_t ahead = i + r * run + kRowsAhead;
      const char* next = reinterpret_cast<const char*>(rows[ahead < n ? ahead : n - 1]);
      for (size_t at = 0; at < dim * sizeof(T); at += kPageBytes) __builtin_prefetch(next + at, 0, 2);
    }
    four(i, run);
  }
  for (size_t i = run * kStreams; i < n; ++i) one(i);
}

}  // namespace
}  // namespace quarry
