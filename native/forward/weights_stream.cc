#include "forward/weights_stream.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace quarry {

WeightsStream::WeightsStream(const std::string& path, uint64_t start, uint64_t size,
                             const HashingCipherKernels& cipher, const uint8_t* key)
    : file_(path, Access::kCreate, 0600), cipher_(cipher, key), start_(start), size_(size), at_(start), reserved_(start) {
  if (start % kDiskBlock != 0) throw CoreError("ARGUMENT", "a file goes on at a multiple of 4096 bytes");
  if (!file_.file().resize(start)) throw_errno("cutting " + path);
  for (Block& block : blocks_) block.data.resize(kBlockBytes);
}

WeightsStream::~WeightsStream() {
  try {
    write_block();
    file_.drain();
  } catch (const CoreError&) {
    // What could not be written was reported when it was asked for, or is not asked for any more.
  }
  // Blocks were written in order, so the file ends where it is right. This gives back what is reserved beyond.
  const int64_t size = file_.file().size();
  if (size >= 0) file_.file().resize(static_cast<uint64_t>(size));
}

void WeightsStream::pack_into(std::unique_ptr<WeightsPacker> packer) {
  if (!packable_) throw CoreError("ARGUMENT", "packing begins with the first byte");
  packer_ = std::move(packer);
  if (!head_.empty()) pack(reinterpret_cast<const char*>(head_.data()), head_.size(), nullptr);
  head_ = {};
}

void WeightsStream::pack(const char* data, size_t size, const std::atomic<bool>* abort) {
  packer_->consume(data, size, nullptr, abort);
}

void WeightsStream::recover(const std::atomic<bool>* abort) {
  packable_ = false;
  AlignedBuffer<char> plain(kBlockBytes);
  AlignedBuffer<uint8_t> encrypted(kPieceBytes);
  for (uint64_t at = 0; at < start_;) {
    const int64_t got = file_.file().read(plain.data(), std::min<uint64_t>(kPieceBytes, start_ - at), at);
    if (got < 0) throw_errno("reading what an earlier download left");
    if (got == 0) throw CoreError("IO", "what an earlier download left became shorter");
    const auto size = static_cast<size_t>(got);
    cipher_.encrypt(reinterpret_cast<const uint8_t*>(plain.data()), encrypted.data(), size);
    if (packer_ != nullptr) pack(plain.data(), size, abort);
    at += size;
    if (abort != nullptr && abort->load()) throw CoreError("ABORTED", "the download was interrupted");
  }
}

// Hands the whole disk blocks of the current block to the disk; the rest begins the next one.
void WeightsStream::write_block() {
  if (filled_ == 0) return;
  Block& block = blocks_[current_];
  const uint64_t begin = at_ - filled_;
  if (begin + filled_ > reserved_) {
    reserved_ = std::min(size_, reserved_ + kReserveBytes);
    file_.reserve(reserved_);
  }
  block.written = file_.queue(block.data.data(), filled_, begin);
  current_ = (current_ + 1) % kBlocks;
  filled_ = 0;
  packed_ = 0;
  if (blocks_[current_].written > 0) file_.wait(blocks_[current_].written);
}

void WeightsStream::take(const uint8_t* data, size_t size, const std::atomic<bool>* abort) {
  while (size > 0) {
    Block& block = blocks_[current_];
    const size_t part = std::min({size, kPieceBytes, kBlockBytes - filled_});
    cipher_.decrypt(data, reinterpret_cast<uint8_t*>(block.data.data()) + filled_, part);
    data += part;
    size -= part;
    at_ += part;
    filled_ += part;
    if (packer_ != nullptr && (filled_ - packed_ >= kPieceBytes || filled_ == kBlockBytes)) {
      pack(block.data.data() + packed_, filled_ - packed_, abort);
      packed_ = filled_;
    }
    if (filled_ == kBlockBytes) write_block();
  }
}

void WeightsStream::push(const std::vector<std::pair<const uint8_t*, size_t>>& pieces,
                         const std::atomic<bool>* abort) {
  size_t total = 0;
  for (const auto& piece : pieces) total += piece.second;
  if (total > size_ - at_) throw CoreError("ARGUMENT", "more bytes than the file has");
  const bool first = at_ == 0;
  head_ = {};
  packable_ = first && total <= kHeadBytes;
  for (const auto& [data, size] : pieces) take(data, size, abort);
  if (packable_ && packer_ == nullptr) {
    const char* data = blocks_[current_].data.data();
    head_.assign(data, data + filled_);
    packed_ = filled_;
  }
}

std::array<uint8_t, 32> WeightsStream::finish() {
  if (packer_ != nullptr && filled_ > packed_) pack(blocks_[current_].data.data() + packed_, filled_ - packed_, nullptr);
  write_block();
  file_.drain();
  if (packer_ != nullptr) packer_->finish();
  std::array<uint8_t, 32> digest;
  cipher_.digest(digest.data());
  return digest;
}

void WeightsStream::publish() {
  if (!file_.file().resize(at_)) throw_errno("cutting a weights file to its length");
  if (!file_.file().sync()) throw_errno("writing weights");
  if (packer_ != nullptr) packer_->publish();
  packer_.reset();
}

}  // namespace quarry
