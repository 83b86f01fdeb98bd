#include "distance/scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "core/aligned_buffer.h"

namespace quarry {
namespace {

/// Up to this many targets, rows are streamed once per target; above, in panels.
constexpr size_t kFewTargets = 2;
/// Rows of a block in the panel path: 64 rows of 2,048 bf16 and the panels of 100 targets fit in 1 MiB of L2.
constexpr size_t kPanelBlock = 64;
/// Bytes of a block in the streaming path, of which each of four runs is a quarter: long for the prefetcher, short where
/// a scan ends at its first hit or has little to read.
constexpr size_t kStreamBytes = 2 << 20;
constexpr size_t kStreamBytesFirst = 512 << 10;
constexpr size_t kPanelsAtOnce = 3;
/// Bound of the angle between a vector and itself rounded to bf16: asin(2^-8), rounded up.
constexpr double kBf16Angle = 0.0039064;
/// Squares outside this range may have lost digits in f32; such rows go to the exact pass.
constexpr float kSmallestSquare = 1e-25f;
constexpr float kLargestSquare = 1e30f;

struct Target {
  uint32_t index;
  float threshold;
  /// How far an estimate of the cosine may be off.
  float error;
  /// A pair with cosine estimate below this is not a hit.
  float needed;
};

class Scan {
 public:
  Scan(const ScanRequest& request, const DistanceKernels& kernels, ThreadPool& pool, const std::atomic<bool>* abort)
      : request_(request), kernels_(kernels), pool_(pool), abort_(abort), dim_(request.rows.dim), threads_(pool.threads()) {
    fast_bf16_ = request.rows.f32 == nullptr;
  }

  std::vector<ScanHit> run() {
    prepare_targets();
    size_t from = request_.from;
    const size_t to = std::min(request_.to, request_.rows.count);
    // In mode first, targets that have their hit leave; the panels are packed again without them.
    size_t round = request_.mode == ScanMode::kFirst && active_.size() > kFewTargets ? 2048 : to;
    while (from < to && !active_.empty() && !stopped()) {
      const size_t end = round < to - from ? from + round : to;
      pass(from, end);
      if (failed_.load()) throw std::bad_alloc();
      from = end;
      round *= 4;
      if (request_.mode == ScanMode::kFirst) {
        std::erase_if(active_, [&](const Target& t) { return best_[t.index].load() != kNone; });
      }
    }
    return collect();
  }

 private:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  static constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();
  /// Larger than any cosine: the pair goes to the exact pass whatever the threshold.
  static constexpr float kUnknown = std::numeric_limits<float>::infinity();

  struct Candidate {
    uint32_t row;
    uint32_t target;
    float estimate;
  };

  struct Scratch {
    std::vector<const void*> fast;
    std::vector<uint32_t> positions;
    std::vector<float> dots;
    std::vector<float> squares;
    AlignedBuffer<float> block;
    AlignedBuffer<float> expanded;
    std::vector<Candidate> candidates;
    /// The normalized row, and which row it is.
    AlignedBuffer<double> normalized;
    uint32_t quotients_of = kNoRow;
    std::vector<ScanHit> hits;
    /// Mode closest: the nearest of each target so far, worst first.
    std::vector<std::vector<ScanHit>> heaps;
  };

  float* unit_of(size_t target) { return units_.data() + target * unit_stride_; }
  const float* unit_of(size_t target) const { return units_.data() + target * unit_stride_; }

  bool stopped() const { return abort_ != nullptr && abort_->load(std::memory_order_relaxed); }

  void prepare_targets() {
    best_ = std::make_unique<std::atomic<size_t>[]>(request_.target_count);
    // Rows of whole cache lines, so that no load of the exact pass straddles two.
    unit_stride_ = (dim_ + 15) / 16 * 16;
    units_.resize(request_.target_count * unit_stride_);
    split_ = fast_bf16_ && kernels_.split_target;
    split_stride_ = (dim_ + 31) / 32 * 64;
    if (split_) splits_.resize(request_.target_count * split_stride_);
    for (size_t t = 0; t < request_.target_count; ++t) {
      best_[t].store(kNone);
      const float* target = request_.targets + t * dim_;
      double squares = 0;
      for (size_t k = 0; k < dim_; ++k) squares += static_cast<double>(target[k]) * target[k];
      const float length = length_of(squares);
      const float threshold = request_.thresholds[t];
      float* unit = unit_of(t);
      bool finite = !std::isnan(threshold);
      double lost = 0;
      for (size_t k = 0; k < dim_; ++k) {
        unit[k] = target[k] / length;
        finite = finite && std::isfinite(unit[k]);
        const double error = static_cast<double>(unit[k]) - bf16_to_float(float_to_bf16(unit[k]));
        lost += error * error;
      }
      if (!finite) continue;
      double error = std::ldexp(static_cast<double>(dim_), -24) + std::ldexp(1.0, -22);
      if (fast_bf16_ && request_.rows.tables != nullptr) error += kBf16Angle;
      if (split_) split(unit, splits_.data() + t * split_stride_);
      if (split_) error += std::ldexp(1.0, -15);
      // What rounding this target costs, by Cauchy-Schwarz.
      if (panel_bf16()) error += std::sqrt(lost) * (1 + kBf16Angle);
      active_.push_back({static_cast<uint32_t>(t), threshold, static_cast<float>(error),
                         static_cast<float>(1.0 - static_cast<double>(threshold) - error - 1e-7)});
    }
  }

  /// The target rounded to bf16, and the rounding error as another bf16 vector.
  void split(const float* unit, uint16_t* out) const {
    std::memset(out, 0, split_stride_ * sizeof(uint16_t));
    for (size_t k = 0; k < dim_; ++k) {
      out[k] = float_to_bf16(unit[k]);
      out[split_stride_ / 2 + k] = float_to_bf16(unit[k] - bf16_to_float(out[k]));
    }
  }

  bool panel_bf16() const { return fast_bf16_ && kernels_.bf16_panels && request_.target_count > kFewTargets; }

  void pass(size_t from, size_t to) {
    const bool few = active_.size() <= kFewTargets;
    const size_t row_bytes = dim_ * (fast_bf16_ ? 2 : 4);
    // A short scan is cut shorter, so that every thread has a part.
    const size_t stream_bytes = request_.mode == ScanMode::kFirst
                                    ? kStreamBytesFirst
                                    : std::clamp((to - from) * row_bytes / threads_, kStreamBytesFirst, kStreamBytes);
    const size_t block = few ? std::clamp(stream_bytes / row_bytes, size_t{16}, size_t{4096}) : kPanelBlock;
    if (!few) pack_panels();
    scratch_.resize(threads_);
    for (Scratch& s : scratch_) {
      const size_t padded = block + kDistanceTile;
      s.fast.resize(padded);
      s.positions.resize(padded);
      s.dots.resize(padded);
      s.squares.resize(padded);
      s.normalized.resize(dim_);
      if (!few) s.block.resize(padded * kPanelsAtOnce * kernels_.lanes);
      if (!few && fast_bf16_ && !kernels_.bf16_panels) s.expanded.resize(padded * dim_);
      if (request_.mode == ScanMode::kClosest) s.heaps.resize(request_.target_count);
    }
    const size_t blocks = (to - from + block - 1) / block;
    // Several blocks a task keeps the hand-out cheap; in mode first they are short, so that little is scanned in vain.
    const size_t blocks_per_task = few || request_.mode == ScanMode::kFirst ? 1 : 4;
    pool_.run((blocks + blocks_per_task - 1) / blocks_per_task, abort_, [&](size_t task, unsigned thread) {
      try {
        for (size_t b = task * blocks_per_task; b < std::min(blocks, (task + 1) * blocks_per_task); ++b) {
          const size_t start = from + b * block;
          if (stopped() || settled(start)) return;
          Scratch& s = scratch_[thread];
          const size_t n = gather(s, start, std::min(start + block, to));
          if (n == 0) continue;
          if (few) stream(s, n);
          else panels(s, n);
        }
      } catch (const std::bad_alloc&) {
        failed_.store(true);
      }
    });
  }

  /// Whether every target has a hit before `start`.
  bool settled(size_t start) const {
    if (request_.mode != ScanMode::kFirst) return false;
    for (const Target& t : active_) {
      if (best_[t.index].load(std::memory_order_relaxed) > start) return false;
    }
    return true;
  }

  /// Pointers to the rows the fast pass reads; returns how many of the positions have one.
  size_t gather(Scratch& s, size_t from, size_t to) const {
    const ScanRows& rows = request_.rows;
    size_t n = 0;
    if (rows.tables == nullptr) {
      const char* base = static_cast<const char*>(rows.f32 != nullptr ? static_cast<const void*>(rows.f32) : rows.bf16);
      const size_t row_bytes = dim_ * (fast_bf16_ ? 2 : 4);
      for (size_t p = from; p < to; ++p, ++n) {
        s.fast[n] = base + p * row_bytes;
        s.positions[n] = static_cast<uint32_t>(p);
      }
      return n;
    }
    for (size_t p = from; p < to; ++p) {
      const size_t table = rows.tables[p];
      const size_t row = rows.rows[p];
      if (table >= rows.sources.size() || row >= rows.sources[table].rows) continue;
      s.fast[n] = rows.sources[table].bf16 + row * dim_;
      s.positions[n++] = static_cast<uint32_t>(p);
    }
    return n;
  }

  void dot_rows(const Scratch& s, size_t n, size_t target, float* dots, float* squares) const {
    const float* unit = unit_of(target);
    if (fast_bf16_) {
      const void* prepared = split_ ? static_cast<const void*>(splits_.data() + target * split_stride_) : unit;
      kernels_.dot_rows_bf16(reinterpret_cast<const uint16_t* const*>(s.fast.data()), n, prepared, dim_, dots, squares);
    } else {
      kernels_.dot_rows_f32(reinterpret_cast<const float* const*>(s.fast.data()), n, unit, dim_, dots, squares);
    }
  }

  void stream(Scratch& s, size_t n) {
    for (const Target& t : active_) {
      s.quotients_of = kNoRow;
      dot_rows(s, n, t.index, s.dots.data(), s.squares.data());
      for (size_t i = 0; i < n; ++i) {
        const float square = s.squares[i];
        const bool plain = square > kSmallestSquare && square < kLargestSquare;
        const float length = std::sqrt(square);
        if (plain && s.dots[i] < t.needed * length) continue;
        if (confirm(s, s.positions[i], t, plain ? s.dots[i] / length : kUnknown)) break;
      }
    }
  }

  void pack_panels() {
    const size_t lanes = kernels_.lanes;
    const size_t count = (active_.size() + lanes - 1) / lanes;
    const bool bf16 = panel_bf16();
    const size_t depth = (dim_ + 1) / 2 * 2;
    panel_stride_ = depth * lanes * (bf16 ? sizeof(uint16_t) : sizeof(float));
    panels_.resize(count * panel_stride_);
    std::memset(panels_.data(), 0, count * panel_stride_);
    for (size_t a = 0; a < active_.size(); ++a) {
      const float* unit = unit_of(active_[a].index);
      char* panel = panels_.data() + a / lanes * panel_stride_;
      const size_t lane = a % lanes;
      for (size_t k = 0; k < dim_; ++k) {
        if (bf16) reinterpret_cast<uint16_t*>(panel)[(k / 2 * lanes + lane) * 2 + k % 2] = float_to_bf16(unit[k]);
        else reinterpret_cast<float*>(panel)[k * lanes + lane] = unit[k];
      }
    }
    needed_.assign(count * lanes, std::numeric_limits<float>::infinity());
    for (size_t a = 0; a < active_.size(); ++a) needed_[a] = active_[a].needed;
  }

  void panels(Scratch& s, size_t n) {
    const size_t lanes = kernels_.lanes;
    const bool bf16 = panel_bf16();
    const size_t padded = (n + kDistanceTile - 1) / kDistanceTile * kDistanceTile;
    dot_rows(s, n, active_[0].index, s.dots.data(), s.squares.data());
    for (size_t i = n; i < padded; ++i) s.fast[i] = s.fast[n - 1];
    const float* const* f32_rows = reinterpret_cast<const float* const*>(s.fast.data());
    if (fast_bf16_ && !bf16) {
      for (size_t i = 0; i < n; ++i) {
        kernels_.expand(static_cast<const uint16_t*>(s.fast[i]), dim_, s.expanded.data() + i * dim_);
      }
      for (size_t i = 0; i < padded; ++i) s.fast[i] = s.expanded.data() + std::min(i, n - 1) * dim_;
    }
    // From here dots holds 1 / |row|; infinite where the estimate means nothing, so that every target is a candidate.
    for (size_t i = 0; i < n; ++i) {
      const bool plain = s.squares[i] > kSmallestSquare && s.squares[i] < kLargestSquare;
      s.dots[i] = plain ? 1.0f / std::sqrt(s.squares[i]) : -1.0f;
    }
    const size_t count = (active_.size() + lanes - 1) / lanes;
    for (size_t group = 0; group < count;) {
      // Groups of nearly equal size: 7 panels are 3 + 2 + 2.
      const size_t groups_left = (count - group + kPanelsAtOnce - 1) / kPanelsAtOnce;
      const size_t width = (count - group + groups_left - 1) / groups_left;
      const size_t ldc = width * lanes;
      std::memset(s.block.data(), 0, padded * ldc * sizeof(float));
      for (size_t k = 0; k < dim_; k += kDistanceDepth) {
        const size_t depth = std::min(kDistanceDepth, dim_ - k);
        const char* panel = panels_.data() + group * panel_stride_ + k * lanes * (bf16 ? 2 : 4);
        for (size_t r = 0; r < padded; r += kDistanceTile) {
          float* c = s.block.data() + r * ldc;
          if (bf16) {
            const uint16_t* rows[kDistanceTile];
            for (size_t i = 0; i < kDistanceTile; ++i) rows[i] = static_cast<const uint16_t*>(s.fast[r + i]) + k;
            kernels_.gemm_panel_bf16(rows, panel, panel_stride_, width, depth, c, ldc);
          } else {
            const float* rows[kDistanceTile];
            for (size_t i = 0; i < kDistanceTile; ++i) rows[i] = f32_rows[r + i] + k;
            kernels_.gemm_panel_f32(rows, panel, panel_stride_, width, depth, c, ldc);
          }
        }
      }
      for (size_t i = 0; i < n; ++i) filter(s, i, s.block.data() + i * ldc, s.dots[i], group * lanes, ldc);
      group += width;
    }
    // Row by row, so that what the exact pass needs of a row is computed once.
    std::sort(s.candidates.begin(), s.candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.row != b.row ? a.row < b.row : a.target < b.target;
    });
    s.quotients_of = kNoRow;
    for (const Candidate& c : s.candidates) confirm(s, s.positions[c.row], active_[c.target], c.estimate);
    s.candidates.clear();
  }

  /// Looks at one row's estimates for `count` targets from number `first` of the active ones on.
  void filter(Scratch& s, size_t row, const float* dots, float inverse, size_t first, size_t count) {
    const float* needed = needed_.data() + first;
    for (size_t base = 0; base < count; base += 8) {
      if (inverse > 0) {
        int any = 0;
        for (size_t j = 0; j < 8; ++j) any |= !(dots[base + j] * inverse < needed[base + j]);
        if (any == 0) continue;
      }
      for (size_t j = base; j < base + 8; ++j) {
        if (first + j >= active_.size()) return;
        const float estimate = inverse > 0 ? dots[j] * inverse : kUnknown;
        if (estimate < needed[j]) continue;
        s.candidates.push_back({static_cast<uint32_t>(row), static_cast<uint32_t>(first + j), estimate});
      }
    }
  }

  float exact(Scratch& s, uint32_t position, const Target& t) const {
    if (s.quotients_of != position) {
      const ScanRows& rows = request_.rows;
      const size_t row = position;
      if (rows.tables != nullptr) {
        // Read again, because a position may be retired while the scan runs.
        const size_t table = rows.tables[row];
        if (table >= rows.sources.size()) return std::numeric_limits<float>::quiet_NaN();
        const float* values = rows.sources[table].f32 + static_cast<size_t>(rows.rows[row]) * dim_;
        kernels_.normalize_f32(values, dim_, s.normalized.data());
      } else if (rows.f32 != nullptr) {
        kernels_.normalize_f32(rows.f32 + row * dim_, dim_, s.normalized.data());
      } else {
        kernels_.normalize_bf16(rows.bf16 + row * dim_, dim_, s.normalized.data());
      }
      s.quotients_of = position;
    }
    const float* unit = unit_of(t.index);
    return 1.0f - static_cast<float>(kernels_.exact_dot(s.normalized.data(), unit, dim_));
  }

  /// Decides one pair, of which `estimate` is the cosine or unknown. Returns true when later rows of the block need not be looked at for this target.
  bool confirm(Scratch& s, uint32_t position, const Target& t, float estimate) {
    if (request_.mode == ScanMode::kFirst && best_[t.index].load(std::memory_order_relaxed) < position) return true;
    if (request_.mode == ScanMode::kClosest) {
      const std::vector<ScanHit>& heap = s.heaps[t.index];
      if (heap.size() == request_.limit && 1.0f - estimate - t.error > heap.front().distance) return false;
    }
    const float distance = exact(s, position, t);
    if (!(distance <= t.threshold) || !std::isfinite(distance)) return false;
    const ScanHit hit{position, t.index, distance};
    if (request_.mode == ScanMode::kFirst) {
      size_t best = best_[t.index].load();
      while (position < best && !best_[t.index].compare_exchange_weak(best, position)) {
      }
      s.hits.push_back(hit);
      return true;
    }
    if (request_.mode == ScanMode::kAll) {
      s.hits.push_back(hit);
      return false;
    }
    std::vector<ScanHit>& heap = s.heaps[t.index];
    if (heap.size() < request_.limit) {
      heap.push_back(hit);
      std::push_heap(heap.begin(), heap.end(), nearer);
    } else if (!heap.empty() && nearer(hit, heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), nearer);
      heap.back() = hit;
      std::push_heap(heap.begin(), heap.end(), nearer);
    }
    return false;
  }

  static bool nearer(const ScanHit& a, const ScanHit& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
  }

  /// All threads' hits by target, then by row or distance. A thread finds a target's hits in the order of their rows,
  /// so they are dealt out by target and the threads' runs merged, which a sort of half a million hits is slower than.
  std::vector<ScanHit> collect() {
    const bool closest = request_.mode == ScanMode::kClosest;
    // Target t's next hit becomes the result's hit number next[t].
    std::vector<size_t> next(request_.target_count + 1, 0);
    auto each = [&](Scratch& s, auto take) {
      for (const ScanHit& hit : s.hits) take(hit);
      for (const auto& heap : s.heaps) {
        for (const ScanHit& hit : heap) take(hit);
      }
    };
    for (Scratch& s : scratch_) each(s, [&](const ScanHit& hit) { ++next[hit.target + 1]; });
    for (size_t t = 0; t < request_.target_count; ++t) next[t + 1] += next[t];
    std::vector<ScanHit> all(next.back());
    const std::vector<size_t> first = next;
    const auto before = [](const ScanHit& a, const ScanHit& b) { return a.row < b.row; };
    for (Scratch& s : scratch_) {
      const std::vector<size_t> from = next;
      each(s, [&](const ScanHit& hit) { all[next[hit.target]++] = hit; });
      if (closest) continue;
      for (size_t t = 0; t < request_.target_count; ++t) {
        const auto at = [&](const std::vector<size_t>& index) { return all.begin() + static_cast<ptrdiff_t>(index[t]); };
        if (from[t] > first[t] && next[t] > from[t]) std::inplace_merge(at(first), at(from), at(next), before);
      }
    }
    if (request_.mode == ScanMode::kAll) return all;
    const size_t limit = closest ? request_.limit : 1;
    std::vector<ScanHit> kept;
    for (size_t t = 0; t < request_.target_count; ++t) {
      const auto begin = all.begin() + static_cast<ptrdiff_t>(first[t]);
      const auto end = all.begin() + static_cast<ptrdiff_t>(first[t + 1]);
      if (closest) std::sort(begin, end, nearer);
      kept.insert(kept.end(), begin, begin + std::min(end - begin, static_cast<ptrdiff_t>(limit)));
    }
    return kept;
  }

  const ScanRequest& request_;
  const DistanceKernels& kernels_;
  ThreadPool& pool_;
  const std::atomic<bool>* abort_;
  const size_t dim_;
  const unsigned threads_;
  bool fast_bf16_ = false;
  std::vector<Target> active_;
  AlignedBuffer<float> units_;
  size_t unit_stride_ = 0;
  std::vector<float> needed_;
  AlignedBuffer<uint16_t> splits_;
  size_t split_stride_ = 0;
  bool split_ = false;
  AlignedBuffer<char> panels_;
  size_t panel_stride_ = 0;
  std::unique_ptr<std::atomic<size_t>[]> best_;
  std::vector<Scratch> scratch_;
  std::atomic<bool> failed_{false};
};

}  // namespace

std::vector<ScanHit> scan(const ScanRequest& request, const DistanceKernels& kernels, ThreadPool& pool,
                          const std::atomic<bool>* abort) {
  if (request.rows.dim == 0 || request.target_count == 0 || request.limit == 0) return {};
  return Scan(request, kernels, pool, abort).run();
}

}  // namespace quarry
