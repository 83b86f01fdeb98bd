// BLAKE2b and the hashing cipher: bytes in pieces of any length, at any address, in place or not.
#include <algorithm>
#include <array>
#include <memory>

#include "fuzz/input.h"
#include "hash/blake2b.h"
#include "hash/hashing_cipher.h"

using namespace quarry;
using namespace quarry::fuzz;

namespace {

using Digest = std::array<uint8_t, 32>;

Digest hash(Isa isa, const std::vector<uint8_t>& bytes, const std::vector<size_t>& pieces) {
  Blake2b256 hasher(blake2b_kernels_for(isa));
  for (size_t at = 0, i = 0; at < bytes.size(); ++i) {
    const size_t some = std::min(pieces[i % pieces.size()], bytes.size() - at);
    const auto piece = std::make_unique<uint8_t[]>(some);
    std::memcpy(piece.get(), bytes.data() + at, some);
    hasher.update(piece.get(), some);
    at += some;
  }
  Digest digest;
  hasher.digest(digest.data());
  return digest;
}

void check_cipher(Isa isa, const std::vector<uint8_t>& key, const std::vector<uint8_t>& plain,
                  const std::vector<size_t>& pieces, bool in_place, size_t shift) {
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(isa);
  if (kernels == nullptr) return;
  std::vector<uint8_t> sent(plain.size());
  HashingCipher writer(*kernels, key.data());
  writer.encrypt(plain.data(), sent.data(), plain.size());
  Digest digest;
  writer.digest(digest.data());
  require(digest == hash(Isa::kSerial, sent, {sent.size() + 1}), "the checksum is that of the ciphertext");

  // Decrypted in pieces, now and then encrypting what an earlier run left.
  HashingCipher reader(*kernels, key.data());
  for (size_t at = 0, i = 0; at < sent.size(); ++i) {
    const size_t some = std::min(pieces[i % pieces.size()], sent.size() - at);
    const bool recovers = i % 5 == 4;
    const uint8_t* const from = (recovers ? plain : sent).data() + at;
    const uint8_t* const expected = (recovers ? sent : plain).data() + at;
    const auto memory = std::make_unique<uint8_t[]>(some + shift);
    const auto apart = std::make_unique<uint8_t[]>(some);
    uint8_t* const to = in_place ? memory.get() + shift : apart.get();
    std::memcpy(memory.get() + shift, from, some);
    if (recovers) reader.encrypt(memory.get() + shift, to, some);
    else reader.decrypt(memory.get() + shift, to, some);
    require(std::memcmp(to, expected, some) == 0, "what was encrypted is decrypted");
    at += some;
  }
  Digest again;
  reader.digest(again.data());
  require(again == digest, "pieces do not change the checksum");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  const Isa isa = in.level();
  const auto key = in.bytes(32);
  std::vector<size_t> pieces(in.size(1, 6));
  for (size_t& piece : pieces) piece = in.chance(3) ? in.size(1, 300) : in.size(1, 20) * 128;
  const bool in_place = in.ConsumeBool();
  const size_t shift = in.size(0, 17);
  const auto bytes = in.bytes(in.size(0, 6'000));
  require(hash(isa, bytes, pieces) == hash(Isa::kSerial, bytes, {bytes.size() + 1}), "levels and pieces agree");
  check_cipher(isa, key, bytes, pieces, in_place, shift);
  return 0;
}
