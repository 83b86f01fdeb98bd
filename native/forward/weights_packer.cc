#include "forward/weights_packer.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace quarry {

namespace {

// Distinguishes what several packers of one process write.
std::atomic<uint64_t> packers{0};

}  // namespace

WeightsPacker::WeightsPacker(const ModelShape& shape, Precision precision, const std::vector<TensorSource>& tensors,
                             uint64_t source_bytes, const Kernels& kernels, char* memory)
    : kernels_(kernels), memory_(memory) {
  plan(shape, precision, tensors, source_bytes);
}

WeightsPacker::WeightsPacker(const ModelShape& shape, Precision precision, const std::vector<TensorSource>& tensors,
                             uint64_t source_bytes, const Kernels& kernels, const std::string& cache_dir,
                             const std::string& checksum)
    : kernels_(kernels), final_path_(PackedWeights::path_of(shape, precision, cache_dir, checksum)) {
  plan(shape, precision, tensors, source_bytes);
  PackedWeights::write_header(shape, precision, checksum, head_.data());
  const std::string path =
      final_path_ + "." + std::to_string(process_id()) + "-" + std::to_string(packers.fetch_add(1)) + ".partial";
  file_ = std::make_unique<FileWriter>(path, Access::kReplace, 0644);
  partial_path_ = path;
  try {
    file_->reserve(bytes_);
    if (!file_->file().resize(bytes_)) throw_errno("reserving space in the weights cache");
  } catch (...) {
    file_.reset();
    remove_file(path);
    throw;
  }
}

WeightsPacker::~WeightsPacker() {
  file_.reset();  // no more writes
  if (!partial_path_.empty()) remove_file(partial_path_);
}

void WeightsPacker::plan(const ModelShape& s, Precision precision, const std::vector<TensorSource>& tensors,
                         uint64_t source_bytes) {
  PackedWeights layout;
  layout.lay_out(s, precision, memory_);
  bytes_ = layout.bytes_;
  if (memory_ == nullptr) {
    head_.resize(round_up(layout.head_bytes_, kDiskBlock));
    std::memset(head_.data(), 0, head_.size());
  }
  const size_t e = s.embedding;
  size_t next = 0;
  const auto source = [&](size_t count) {
    if (next == tensors.size()) throw CoreError("ARGUMENT", "wrong number of tensors");
    const TensorSource& t = tensors[next++];
    if (t.bytes != count * dtype_bytes(t.dtype)) throw CoreError("WEIGHTS", "a tensor has the wrong length");
    if (t.offset > source_bytes || t.bytes > source_bytes - t.offset) {
      throw CoreError("WEIGHTS", "a tensor lies beyond the end of the file");
    }
    return t;
  };
  const auto vector = [&](const float* to, size_t count) {
    // Laid out over no memory, an address is an offset.
    auto* place = memory_ != nullptr ? const_cast<float*>(to)
                                     : reinterpret_cast<float*>(head_.data() + reinterpret_cast<uintptr_t>(to));
    parts_.push_back({source(count), false, 1, count, place, 0, 0, Precision::kF32});
  };
  const auto unit = [&](const void* to, size_t k, size_t n, size_t column, size_t count, Precision as) {
    const size_t panel_bytes = stored_k(k, as) * kPanel * element_bytes(as);
    units_.push_back({reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(memory_) +
                          column / kPanel * panel_bytes,
                      packed_b_bytes(k, n, as), count, n % kPanel != 0 || stored_k(k, as) != k});
  };
  const auto matrix = [&](size_t k, size_t n, size_t column, Precision as) {
    parts_.push_back({source(k * n), true, k, n, nullptr, units_.size() - 1, column, as});
  };
  vector(layout.embedding, s.vocabulary * e);
  for (const LayerWeights& layer : layout.layers) {
    vector(layer.norm1_gamma, e);
    vector(layer.norm1_beta, e);
    // Query, key and value are columns of one matrix: apart where their panels are.
    const bool apart = e % kPanel == 0;
    if (!apart) unit(layer.qkv, e, 3 * e, 0, 3, precision);
    for (size_t third = 0; third < 3; ++third) {
      if (apart) unit(layer.qkv, e, e, third * e, 1, precision);
      matrix(e, e, apart ? 0 : third * e, precision);
      vector(layer.qkv_bias + third * e, e);
    }
    unit(layer.output, e, e, 0, 1, precision);
    matrix(e, e, 0, precision);
    vector(layer.output_bias, e);
    vector(layer.norm2_gamma, e);
    vector(layer.norm2_beta, e);
    unit(layer.inner, e, s.hidden, 0, 1, precision);
    matrix(e, s.hidden, 0, precision);
    vector(layer.inner_bias, s.hidden);
    unit(layer.outer, s.hidden, e, 0, 1, precision);
    matrix(s.hidden, e, 0, precision);
    vector(layer.outer_bias, e);
  }
  vector(layout.final_gamma, e);
  vector(layout.final_beta, e);
  unit(layout.predictor, e, s.vocabulary, 0, 1, Precision::kF32);
  matrix(e, s.vocabulary, 0, Precision::kF32);
  vector(layout.predictor_bias, s.vocabulary);
  if (next != tensors.size()) throw CoreError("ARGUMENT", "wrong number of tensors");

  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.source.offset < b.source.offset; });
  uint64_t end = 0;
  for (const Part& part : parts_) {
    if (part.source.offset < end) throw CoreError("WEIGHTS", "tensors overlap");
    end = part.source.offset + part.source.bytes;
  }
}

void WeightsPacker::open_unit(Unit& unit) {
  if (memory_ != nullptr) {
    unit.data = memory_ + unit.offset;
    return;
  }
  // One is filled while another is written. More only where tensors of one matrix are far apart in the file.
  size_t slot = slots_.size();
  uint64_t oldest = ~uint64_t{0};
  if (slots_.size() >= 2) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i]->open || slots_[i]->written >= oldest) continue;
      oldest = slots_[i]->written;
      slot = i;
    }
  }
  if (slot == slots_.size()) slots_.push_back(std::make_unique<Slot>());
  Slot& use = *slots_[slot];
  if (use.written > 0) file_->wait(use.written);
  if (use.memory.size() < unit.bytes) {
    size_t largest = 0;
    for (const Unit& other : units_) largest = std::max(largest, other.bytes);
    use.memory.resize(round_up(largest, kDiskBlock));
  }
  if (unit.padded) std::memset(use.memory.data(), 0, unit.bytes);
  use.open = true;
  unit.slot = slot;
  unit.data = use.memory.data();
}

void WeightsPacker::close_unit(Unit& unit) {
  if (memory_ != nullptr) return;
  Slot& slot = *slots_[unit.slot];
  slot.written = file_->queue(unit.data, unit.bytes, unit.offset);
  slot.open = false;
}

void WeightsPacker::pack(Part& part, const char* data, uint64_t at, size_t size, ThreadPool* pool,
                         const std::atomic<bool>* abort) {
  const Dtype dtype = part.source.dtype;
  const size_t width = dtype_bytes(dtype);
  if (!part.matrix) {
    convert_to_f32(dtype, data, size / width, part.vector + at / width);
    return;
  }
  Unit& unit = units_[part.unit];
  const size_t n = part.columns;
  const size_t row = at / width / n;
  const size_t rows = size / width / n;
  const bool ready = dtype == Dtype::kF32 && reinterpret_cast<uintptr_t>(data) % alignof(float) == 0;
  if (!ready && converted_.size() < rows * n) converted_.resize(rows * n);
  const size_t threads = pool == nullptr ? 1 : pool->threads();
  const size_t step = std::max<size_t>(2, round_up((rows + threads - 1) / threads, 2));
  const auto body = [&](size_t task, unsigned) {
    const size_t begin = task * step;
    const size_t end = std::min(rows, begin + step);
    const char* from = data + begin * n * width;
    const auto* values = reinterpret_cast<const float*>(from);
    if (!ready) {
      convert_to_f32(dtype, from, (end - begin) * n, converted_.data() + begin * n);
      values = converted_.data() + begin * n;
    }
    kernels_.pack_b(values, n, row + begin, row + end, n, part.column, part.rows, part.precision, unit.data);
  };
  const size_t tasks = (rows + step - 1) / step;
  if (pool == nullptr) {
    for (size_t task = 0; task < tasks; ++task) body(task, 0);
  } else {
    pool->run(tasks, abort, body);
  }
}

// Bytes [at, at + size) of a tensor.
void WeightsPacker::take(Part& part, const char* data, uint64_t at, size_t size, ThreadPool* pool,
                         const std::atomic<bool>* abort) {
  if (part.matrix && units_[part.unit].data == nullptr) open_unit(units_[part.unit]);
  // What is packed at a time: elements, or pairs of rows, the last of which may lack its second.
  const size_t grain = dtype_bytes(part.source.dtype) * (part.matrix ? 2 * part.columns : 1);
  const bool ends = at + size == part.source.bytes;
  if (!carry_.empty()) {
    const uint64_t begin = at - carry_.size();
    const size_t missing = std::min<uint64_t>(grain, part.source.bytes - begin) - carry_.size();
    const size_t taken = std::min(missing, size);
    carry_.insert(carry_.end(), data, data + taken);
    if (taken == missing) {
      pack(part, carry_.data(), begin, carry_.size(), pool, abort);
      carry_.clear();
    }
    data += taken;
    at += taken;
    size -= taken;
  }
  const size_t whole = ends ? size : size / grain * grain;
  if (whole > 0) pack(part, data, at, whole, pool, abort);
  carry_.insert(carry_.end(), data + whole, data + size);
  if (ends && part.matrix && --units_[part.unit].tensors_left == 0) close_unit(units_[part.unit]);
}

void WeightsPacker::consume(const char* data, size_t size, ThreadPool* pool, const std::atomic<bool>* abort) {
  const uint64_t end = at_ + size;
  while (next_part_ < parts_.size()) {
    Part& part = parts_[next_part_];
    const uint64_t part_end = part.source.offset + part.source.bytes;
    const uint64_t from = std::max(at_, part.source.offset);
    const uint64_t to = std::min(end, part_end);
    if (from >= end && part_end > end) break;
    if (to > from || part.source.bytes == 0) {
      take(part, data + (from - at_), from - part.source.offset, to - from, pool, abort);
    }
    if (abort != nullptr && abort->load()) throw CoreError("ABORTED", "packing weights was interrupted");
    if (to < part_end) break;
    ++next_part_;
  }
  at_ = end;
}

void WeightsPacker::finish() {
  if (next_part_ != parts_.size()) throw CoreError("WEIGHTS", "the weights file ended before its tensors");
  if (file_ == nullptr) return;
  file_->queue(head_.data(), head_.size(), 0);
  file_->drain();
  slots_.clear();
}

void WeightsPacker::publish() {
  if (!file_->file().sync()) throw_errno("writing packed weights");
  if (!rename_file(partial_path_, final_path_)) throw_errno("naming packed weights");
  partial_path_.clear();
}

}  // namespace quarry
