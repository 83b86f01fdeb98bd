#include "forward/rope_tables.h"

#include <cmath>
#include <vector>

#include "forward/parallel.h"

namespace quarry {

namespace {
// 64 tables of a full model are 67 MB and cover 64 KiB of data.
constexpr size_t kEntries = 64;
}  // namespace

std::shared_ptr<const RopeTables> RopeCache::at(uint64_t start, ThreadPool* pool) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->start == start) {
        entries_.splice(entries_.begin(), entries_, it);
        return it->tables;
      }
    }
  }
  const size_t half = head_width_ / 2;
  std::vector<float> timescale(half);
  for (size_t i = 0; i < half; ++i) {
    const float fraction = static_cast<float>(2 * i) / static_cast<float>(head_width_);
    timescale[i] = static_cast<float>(std::pow(10000.0, static_cast<double>(fraction)));
  }
  auto tables = std::make_shared<RopeTables>();
  tables->cosines.resize(tokens_ * half);
  tables->sines.resize(tokens_ * half);
  constexpr size_t rows = 32;
  parallel(pool, (tokens_ + rows - 1) / rows, nullptr, [&](size_t task, unsigned) {
    for (size_t t = task * rows; t < tokens_ && t < (task + 1) * rows; ++t) {
      for (size_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(start + t) / timescale[i];
        tables->cosines[t * half + i] = static_cast<float>(std::cos(static_cast<double>(angle)));
        tables->sines[t * half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
      }
    }
  });
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_front({start, tables});
  if (entries_.size() > kEntries) entries_.pop_back();
  return tables;
}

}  // namespace quarry
