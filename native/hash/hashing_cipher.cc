#include "hash/hashing_cipher.h"

#include <algorithm>
#include <cstring>

namespace quarry {

const HashingCipherKernels* hashing_cipher_kernels_for(Isa isa) {
  if ((usable_isa_mask() & static_cast<uint32_t>(isa)) == 0 || !has_aes()) return nullptr;
  switch (isa) {
#if defined(QUARRY_X86)
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
      return has_vaes() ? &kAvx512HashingCipher : &kAvx2HashingCipher;
    case Isa::kAvx2:
      return &kAvx2HashingCipher;
#elif defined(QUARRY_ARM64)
    case Isa::kNeon:
    case Isa::kNeonBf16:
      return &kNeonHashingCipher;
#endif
    default:
      return nullptr;
  }
}

HashingCipher::HashingCipher(const HashingCipherKernels& kernels, const uint8_t* key) : kernels_(kernels) {
  kernels_.expand(key, &keys_);
  std::memcpy(h_, kBlake2bIv, sizeof h_);
  h_[0] ^= kBlake2b256Parameters;
}

void HashingCipher::partial(const uint8_t* in, uint8_t* out, size_t size, bool decrypting) {
  if (size == 0) return;
  if (!stream_ready_) kernels_.key_stream(keys_, counter_ / kAesBlock, stream_);
  stream_ready_ = true;
  for (size_t i = 0; i < size; ++i) {
    const uint8_t from = in[i];
    const uint8_t to = from ^ stream_[pending_size_];
    pending_[pending_size_++] = decrypting ? from : to;
    out[i] = to;
  }
}

void HashingCipher::update(const uint8_t* in, uint8_t* out, size_t size, bool decrypting) {
  const size_t head = std::min(size, kBlake2bBlock - pending_size_);
  // A block begun earlier, or one that may prove to be the last.
  if (pending_size_ > 0 || size <= kBlake2bBlock) {
    partial(in, out, head, decrypting);
    if (head == size) return;
    in += head;
    out += head;
    size -= head;
    kernels_.hash->compress(h_, pending_, 1, counter_);
    counter_ += kBlake2bBlock;
    pending_size_ = 0;
    stream_ready_ = false;
  }
  // At least one byte stays back: it may belong to the last block.
  const size_t blocks = (size - 1) / kBlake2bBlock;
  const size_t whole = blocks * kBlake2bBlock;
  (decrypting ? kernels_.decrypt : kernels_.encrypt)(h_, in, out, blocks, counter_, keys_);
  counter_ += whole;
  partial(in + whole, out + whole, size - whole, decrypting);
}

void HashingCipher::digest(uint8_t out[32]) {
  std::memset(pending_ + pending_size_, 0, kBlake2bBlock - pending_size_);
  kernels_.hash->finish(h_, pending_, counter_ + pending_size_);
  std::memcpy(out, h_, 32);
}

}  // namespace quarry
