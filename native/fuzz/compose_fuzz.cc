// Pools of rows: rows of any bits into slots of any order, then searches for targets that nothing may reach.
#include <algorithm>

#include "compose/row_pool.h"
#include "fuzz/input.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

void put(Input& in, RowPool& pool, bool wild) {
  std::vector<int32_t> slots(in.size(0, 20));
  for (int32_t& slot : slots) {
    slot = in.chance(3) ? static_cast<int32_t>(in.size(0, pool.capacity() - 1)) : -static_cast<int32_t>(in.size(1, 9));
  }
  auto rows = in.floats(slots.size() * pool.dim(), wild);
  if (!slots.empty() && in.chance(4)) std::fill_n(rows.begin(), pool.dim(), 0.0f);
  pool.put(slots.data(), rows.data(), slots.size());
  for (const int32_t slot : slots) require(slot < static_cast<int64_t>(pool.capacity()), "a slot of the pool");
}

void search(Input& in, RowPool& pool, bool wild) {
  const size_t count = in.size(0, 4);
  const size_t leads_count = in.ConsumeBool() ? 0 : in.size(1, pool.capacity() + 3);
  const size_t rivals = leads_count == 0 ? 0 : in.size(0, 3);
  const size_t max_parts = in.size(1, 12);
  const auto targets = in.floats(count * pool.dim(), wild);
  const auto values = in.floats(rivals * leads_count, wild);
  std::vector<const float*> leads;
  for (size_t i = 0; i < rivals; ++i) leads.push_back(values.data() + i * leads_count);
  const bool fewest = in.ConsumeBool();
  std::vector<ComposeGoal> goals;
  for (size_t i = 0; i < count; ++i) {
    const double cosine = wild ? in.ConsumeFloatingPoint<double>() : static_cast<double>(in.size(0, 100)) / 100;
    goals.push_back({targets.data() + i * pool.dim(), cosine, max_parts, fewest, leads.size(), leads.data()});
  }
  std::vector<Composition> found(count);
  pool.search(goals.data(), count, leads_count, found.data());
  for (const Composition& composition : found) {
    require(composition.slots.size() <= max_parts, "no more parts than were asked for");
    for (const int32_t slot : composition.slots) {
      require(slot >= 0 && slot < static_cast<int64_t>(pool.capacity()), "parts from the pool");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  const bool wild = in.ConsumeBool();
  RowPool pool(in.level(), in.chance(4) ? in.size(1, 300) : in.size(1, 30), in.chance(4) ? in.size(1, 400) : in.size(1, 40));
  for (size_t steps = in.size(1, 8); steps > 0; --steps) {
    if (in.ConsumeBool()) put(in, pool, wild);
    else search(in, pool, wild);
  }
  return 0;
}
