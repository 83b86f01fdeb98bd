#include <cmath>
#include <cstring>

#include "compose/row_pool.h"

namespace quarry {
namespace {
/// Passes over all parts that look for a better one in each place.
constexpr int kMostPasses = 6;
/// Less than this is not a gain, cosine.
constexpr double kLeastGain = 1e-7;
/// Targets whose products are taken together.
constexpr size_t kTargetsAtOnce = 48;
/// Up to this many targets, all rows are read in bf16, and those that become parts in f32.
constexpr size_t kFewTargets = 2;
}  // namespace

class RowPool::Search {
 public:
  /// `unit` is given where `to_target` is rough.
  Search(RowPool& pool, const ComposeGoal& goal, const float* unit, float* to_target, size_t n, float* to_sum)
      : pool_(pool), goal_(goal), unit_(unit), to_target_(to_target), n_(n), to_sum_(to_sum), lead_sums_(goal.rivals) {
    std::memset(to_sum, 0, n * sizeof(float));
  }

  Composition run() {
    while (slots_.size() < goal_.max_parts && grow()) {
      const bool last = slots_.size() == goal_.max_parts;
      if (best_.cosine >= goal_.cosine) break;
      if ((goal_.fewest || last) && slots_.size() > 1) exchange();
      if (best_.cosine >= goal_.cosine) break;
    }
    return best_;
  }

 private:
  double cosine() const { return square_ > 0 ? along_ / std::sqrt(square_) : -2; }

  size_t best_addition(const float* left_out, double along, double square, const float* lead_sums, double least) const {
    return pool_.kernels_.best_addition(
        {n_, to_target_, to_sum_, left_out, pool_.squares_.data(), static_cast<float>(along), static_cast<float>(square),
         goal_.rivals, goal_.leads, lead_sums},
        static_cast<float>(least * least));
  }

  void refine(size_t slot) {
    if (unit_ != nullptr) pool_.products_.take(pool_.row(slot), 1, unit_, 1, to_target_ + slot, 1);
  }

  bool grow() {
    const size_t slot = best_addition(nullptr, along_, square_, lead_sums_.data(), 0);
    if (slot == n_) return false;
    refine(slot);
    square_ += 2.0 * to_sum_[slot] + pool_.squares_[slot];
    along_ += to_target_[slot];
    pool_.kernels_.add_column(to_sum_, pool_.column(slot), nullptr, n_);
    for (size_t r = 0; r < goal_.rivals; ++r) lead_sums_[r] += goal_.leads[r][slot];
    slots_.push_back(static_cast<int32_t>(slot));
    note();
    return true;
  }

  /// Takes each part out in turn and puts the best row in its place, where that helps.
  void exchange() {
    bool improved = true;
    for (int pass = 0; improved && pass < kMostPasses; ++pass) {
      improved = false;
      for (int32_t& part : slots_) improved = exchange_part(part) || improved;
    }
    note();
  }

  bool exchange_part(int32_t& part) {
    const size_t old = static_cast<size_t>(part);
    const float* removed = pool_.column(old);
    const double along = along_ - to_target_[old];
    const double square = square_ - 2.0 * to_sum_[old] + pool_.squares_[old];
    std::vector<float> lead_sums(lead_sums_);
    for (size_t r = 0; r < goal_.rivals; ++r) lead_sums[r] -= goal_.leads[r][old];
    const size_t slot = best_addition(removed, along, square, lead_sums.data(), cosine());
    if (slot == n_ || slot == old) return false;
    refine(slot);
    const double larger = along + to_target_[slot];
    const double longer = square + 2.0 * (to_sum_[slot] - removed[slot]) + pool_.squares_[slot];
    if (!(larger / std::sqrt(longer) > cosine() + kLeastGain)) return false;
    along_ = larger;
    square_ = longer;
    pool_.kernels_.add_column(to_sum_, pool_.column(slot), removed, n_);
    for (size_t r = 0; r < goal_.rivals; ++r) lead_sums_[r] = lead_sums[r] + goal_.leads[r][slot];
    part = static_cast<int32_t>(slot);
    return true;
  }

  /// The sums were kept along the way; a length that is kept is added up anew.
  void note() {
    along_ = square_ = 0;
    for (const int32_t a : slots_) {
      along_ += to_target_[a];
      for (const int32_t b : slots_) square_ += pool_.column(static_cast<size_t>(a))[b];
    }
    if (cosine() > best_.cosine) best_ = {slots_, cosine()};
  }

  RowPool& pool_;
  const ComposeGoal& goal_;
  const float* unit_;
  float* to_target_;
  const size_t n_;
  float* to_sum_;
  std::vector<float> lead_sums_;
  std::vector<int32_t> slots_;
  Composition best_;
  double along_ = 0;
  double square_ = 0;
};

void RowPool::search(const ComposeGoal* goals, size_t n, size_t leads_count, Composition* out) {
  const size_t rows = std::min(count_, leads_count);
  if (rows == 0) return;
  AlignedBuffer<float> units(kTargetsAtOnce * dim_);
  AlignedBuffer<float> to_target(kTargetsAtOnce * rows);
  AlignedBuffer<float> to_sum(rows);
  for (size_t first = 0; first < n; first += kTargetsAtOnce) {
    const size_t some = std::min(kTargetsAtOnce, n - first);
    for (size_t t = 0; t < some; ++t) {
      const float* target = goals[first + t].target;
      double squares = 0;
      for (size_t k = 0; k < dim_; ++k) squares += static_cast<double>(target[k]) * target[k];
      const double length = std::sqrt(squares);
      for (size_t k = 0; k < dim_; ++k) units[t * dim_ + k] = static_cast<float>(target[k] / length);
    }
    const bool rough = some <= kFewTargets;
    for (size_t t = 0; rough && t < some; ++t) {
      products_.take_rough(rough_.data(), rows, units.data() + t * dim_, to_target.data() + t * rows);
    }
    if (!rough) products_.take(rows_.data(), rows, units.data(), some, to_target.data(), rows);
    for (size_t t = 0; t < some; ++t) {
      const float* unit = rough ? units.data() + t * dim_ : nullptr;
      out[first + t] = Search(*this, goals[first + t], unit, to_target.data() + t * rows, rows, to_sum.data()).run();
    }
  }
}

}  // namespace quarry
