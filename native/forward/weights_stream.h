#pragma once
// One pass over a weights file as it arrives: the checksum of its ciphertext, the plaintext on disk, and, where wanted,
// the packed form of the plaintext.
//
// Memory: blocks of the plaintext on their way to the disk, and two matrices of the packed form (weights_packer.h).
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "forward/weights_packer.h"
#include "hash/hashing_cipher.h"

namespace quarry {

class WeightsStream {
 public:
  /// Writes to `path`, creating it, from byte `start` on; `size` is what the whole file will have. `key` has 32 bytes.
  /// Throws CoreError.
  WeightsStream(const std::string& path, uint64_t start, uint64_t size, const HashingCipherKernels& cipher,
                const uint8_t* key);
  /// Keeps what is written and gives back the space reserved for the rest.
  ~WeightsStream();
  WeightsStream(const WeightsStream&) = delete;
  WeightsStream& operator=(const WeightsStream&) = delete;

  /// From now on packs as well. Before the first byte, or when no more than `head` has arrived. Throws CoreError.
  void pack_into(std::unique_ptr<WeightsPacker> packer);
  /// Takes the bytes before `start` from the file: encrypted again, they give the checksum's state. First of all.
  void recover(const std::atomic<bool>* abort);
  /// Takes the next piece of ciphertext. Throws CoreError.
  void push(const std::vector<std::pair<const uint8_t*, size_t>>& pieces, const std::atomic<bool>* abort);
  /// The plaintext of the first push, kHeadBytes at most, until `pack_into` or the second.
  const std::vector<uint8_t>& head() const { return head_; }
  /// Writes the remaining bytes and returns the checksum of all ciphertext. Throws CoreError.
  std::array<uint8_t, 32> finish();
  /// Makes the verified file durable and gives its packed form its final name. Throws CoreError.
  void publish();

  static constexpr size_t kHeadBytes = size_t{1} << 20;

 private:
  static constexpr size_t kBlocks = 3;
  static constexpr size_t kBlockBytes = size_t{4} << 20;
  // Decrypted at a time: stays in the cache until it is packed.
  static constexpr size_t kPieceBytes = size_t{512} << 10;
  static constexpr uint64_t kReserveBytes = uint64_t{256} << 20;

  void take(const uint8_t* data, size_t size, const std::atomic<bool>* abort);
  void write_block();
  void pack(const char* data, size_t size, const std::atomic<bool>* abort);

  FileWriter file_;
  HashingCipher cipher_;
  const uint64_t start_, size_;
  uint64_t at_;        // bytes of the file taken
  uint64_t reserved_;  // bytes of the file that have space on disk
  struct Block {
    AlignedBuffer<char> data;
    uint64_t written = 0;  // number of its last write
  };
  Block blocks_[kBlocks];
  size_t current_ = 0;
  size_t filled_ = 0;  // bytes in the current block
  size_t packed_ = 0;  // bytes of the current block that were packed
  std::unique_ptr<WeightsPacker> packer_;
  std::vector<uint8_t> head_;
  bool packable_ = true;  // nothing has passed that a packer would miss
};

}  // namespace quarry
