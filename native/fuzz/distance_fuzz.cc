// The scan: rows, targets and thresholds of any bits, selections that point anywhere, ranges of any size.
#include "core/error.h"
#include "distance/mapped_file.h"
#include "distance/scan.h"
#include "fuzz/input.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

std::vector<uint16_t> rounded(const std::vector<float>& values) {
  std::vector<uint16_t> out(values.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = values[i] == values[i] ? float_to_bf16(values[i]) : 0x7fc0;
  return out;
}

bool same(const std::vector<ScanHit>& a, const std::vector<ScanHit>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].row != b[i].row || a[i].target != b[i].target || a[i].distance != b[i].distance) return false;
  }
  return true;
}

struct Table {
  std::vector<float> f32;
  std::vector<uint16_t> bf16;
};

void check(const ScanRequest& request, Isa isa, bool tame) {
  static ThreadPool pool(2);
  static ThreadPool alone(1);
  const auto hits = scan(request, distance_kernels_for(isa), pool, nullptr);
  for (const ScanHit& hit : hits) {
    require(hit.row >= request.from && hit.row < request.to && hit.row < request.rows.count, "a hit in the range");
    require(hit.target < request.target_count, "a hit's target");
    require(hit.distance <= request.thresholds[hit.target], "a hit within its threshold");
  }
  if (tame) require(same(hits, scan(request, distance_kernels_for(Isa::kSerial), alone, nullptr)), "levels agree");
}

// What the binding does with the length a file of records claims.
void map_file(Input& in) {
  const std::string path = folder() + "/rows";
  const auto bytes = in.bytes(in.size(0, 300));
  write_file(path, bytes.data(), bytes.size());
  const uint64_t wanted = in.hostile();
  try {
    const auto mapped = MappedFile::open(path, wanted, in.ConsumeBool() ? Reading::kPicked : Reading::kStreamed);
    require(wanted <= bytes.size() && mapped->holds(wanted), "a mapping no longer than its file");
    if (wanted > 0) require(std::memcmp(mapped->data(), bytes.data(), wanted) == 0, "a mapping's bytes");
  } catch (const CoreError&) {
    require(wanted > bytes.size(), "a file that is long enough is mapped");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  if (in.chance(32)) return map_file(in), 0;
  const size_t dim = in.chance(4) ? in.size(1, 600) : in.size(1, 40);
  const bool tame = in.ConsumeBool();
  const Isa isa = in.level();
  ScanRequest request;
  request.mode = static_cast<ScanMode>(in.size(0, 2));
  request.limit = in.hostile() & ~0ull >> 11;
  request.from = in.hostile() & ~0ull >> 11;
  request.to = in.hostile() & ~0ull >> 11;
  if (in.ConsumeBool()) request.from = 0;
  request.target_count = in.size(0, 30);
  std::vector<float> thresholds(request.target_count);
  for (float& x : thresholds) x = tame ? static_cast<float>(in.size(0, 200)) / 100 : in.ConsumeFloatingPoint<float>();
  std::vector<Table> tables(in.size(1, 3));
  std::vector<uint8_t> picked_tables(in.size(0, 40));
  std::vector<uint32_t> picked_rows(picked_tables.size());
  for (size_t i = 0; i < picked_tables.size(); ++i) {
    picked_tables[i] = static_cast<uint8_t>(in.chance(6) ? in.hostile() : in.size(0, 2));
    picked_rows[i] = static_cast<uint32_t>(in.chance(6) ? in.hostile() : in.size(0, 20));
  }
  const bool selects = in.ConsumeBool();
  const bool low = in.ConsumeBool();
  const auto targets = in.floats(request.target_count * dim, !tame);
  for (Table& table : tables) {
    table.f32 = in.floats(in.size(0, 24) * dim, !tame);
    table.bf16 = rounded(table.f32);
  }
  request.targets = targets.data();
  request.thresholds = thresholds.data();
  ScanRows& rows = request.rows;
  rows.dim = dim;
  if (selects) {
    rows.count = picked_tables.size();
    rows.tables = picked_tables.data();
    rows.rows = picked_rows.data();
    // As the binding: a selection of nothing has an address all the same.
    if (rows.count == 0) rows.tables = reinterpret_cast<const uint8_t*>("");
    for (const Table& table : tables) rows.sources.push_back({table.bf16.data(), table.f32.data(), table.f32.size() / dim});
  } else {
    rows.count = tables[0].f32.size() / dim;
    static const float nothing = 0;
    const void* const some = low ? static_cast<const void*>(tables[0].bf16.data()) : tables[0].f32.data();
    const void* const begin = rows.count == 0 ? &nothing : some;
    if (low) rows.bf16 = static_cast<const uint16_t*>(begin);
    else rows.f32 = static_cast<const float*>(begin);
  }
  check(request, isa, tame);
  return 0;
}
