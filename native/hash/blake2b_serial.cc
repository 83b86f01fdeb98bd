// The plain level.
#include "hash/blake2b_rounds.h"

namespace quarry {
namespace {

inline void block(uint64_t h[8], const uint8_t* data, uint64_t counter, uint64_t last) {
  blake2b_rounds(h, data, counter, last, [](int) {});
}

void compress(uint64_t h[8], const uint8_t* data, size_t blocks, uint64_t counter) {
  for (size_t i = 0; i < blocks; ++i) block(h, data + i * kBlake2bBlock, counter += kBlake2bBlock, 0);
}
void finish(uint64_t h[8], const uint8_t* data, uint64_t counter) { block(h, data, counter, ~uint64_t{0}); }

}  // namespace

const Blake2bKernels kSerialBlake2b = {Isa::kSerial, compress, finish};

}  // namespace quarry
