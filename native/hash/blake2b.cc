#include "hash/blake2b.h"

#include <algorithm>
#include <cstring>

namespace quarry {

const Blake2bKernels& blake2b_kernels_for(Isa isa) {
  if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0) return kSerialBlake2b;
  switch (isa) {
#if defined(QUARRY_X86)
    case Isa::kAvx2:
      return kAvx2Blake2b;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
      return kAvx512Blake2b;
#endif
    default:
      return kSerialBlake2b;
  }
}

Blake2b256::Blake2b256(const Blake2bKernels& kernels) : kernels_(kernels) {
  std::memcpy(h_, kBlake2bIv, sizeof h_);
  h_[0] ^= kBlake2b256Parameters;
}

void Blake2b256::update(const uint8_t* data, size_t size) {
  if (pending_size_ + size <= kBlake2bBlock) {
    if (size > 0) std::memcpy(pending_ + pending_size_, data, size);
    pending_size_ += size;
    return;
  }
  if (pending_size_ > 0) {
    const size_t taken = kBlake2bBlock - pending_size_;
    std::memcpy(pending_ + pending_size_, data, taken);
    kernels_.compress(h_, pending_, 1, counter_);
    counter_ += kBlake2bBlock;
    data += taken;
    size -= taken;
  }
  // At least one byte stays back: it may belong to the last block.
  const size_t blocks = (size - 1) / kBlake2bBlock;
  kernels_.compress(h_, data, blocks, counter_);
  counter_ += blocks * kBlake2bBlock;
  pending_size_ = size - blocks * kBlake2bBlock;
  std::memcpy(pending_, data + blocks * kBlake2bBlock, pending_size_);
}

void Blake2b256::digest(uint8_t out[32]) {
  std::memset(pending_ + pending_size_, 0, kBlake2bBlock - pending_size_);
  kernels_.finish(h_, pending_, counter_ + pending_size_);
  std::memcpy(out, h_, 32);
}

}  // namespace quarry
