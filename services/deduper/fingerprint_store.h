// The fingerprints themselves, by id. Ids ascend for ever while old entries go, so room is taken and
// given back by blocks: what is held follows the entries there are, not the largest id.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "services/deduper/growing_memory.h"

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel.
class FingerprintStore {
 public:
  using Bits = std::array<std::uint64_t, 4>;

  static constexpr std::size_t kBlockBytes = GrowingMemory::kHole;

  // Whether Hold(id) would do nothing.
  bool HasRoom(std::uint32_t id) const {
    const std::size_t block = id / kBlock;
    return block < blocks_.size() && blocks_[block].present != nullptr;
  }
  // Room for an entry. kUnavailable, with nothing changed, if there is none.
  Status Hold(std::uint32_t id);
  // Hold room first. `id` must not be in the store.
  void Put(std::uint32_t id, const Bits& bits);
  // False if `id` is not in the store.
  bool Erase(std::uint32_t id);

  bool Contains(std::uint32_t id) const {
    return HasRoom(id) &&
           (((*blocks_[id / kBlock].present)[id % kBlock / 64] >> (id % 64)) & 1) != 0;
  }
  // Of any id that ever was in the store; of one that is no more, its bits or zeros.
  const Bits& operator[](std::uint32_t id) const {
    return reinterpret_cast<const Bits*>(bits_.data())[id];
  }
  // The four words of id 0, those of id 1, ...
  const std::uint64_t* words() const {
    return reinterpret_cast<const std::uint64_t*>(bits_.data());
  }

  std::size_t size() const { return size_; }

  // See GrowingMemory::MoveToFile.
  Status MoveToFile(const std::string& directory);
  bool in_file() const { return bits_.in_file(); }
  // Beyond the fingerprints: a bit an entry, and 16 bytes for each block that ever was.
  std::size_t MemoryBytes() const;
  std::size_t DiskBytes() const { return bits_.DiskBytes(); }

 private:
  static constexpr std::size_t kBlock = kBlockBytes / sizeof(Bits);
  using Presence = std::array<std::uint64_t, kBlock / 64>;

  struct Block {
    std::unique_ptr<Presence> present;  // none while there is no room held
    std::uint32_t entries = 0;
  };

  static std::size_t OffsetOf(std::size_t block) { return block * kBlockBytes; }

  GrowingMemory bits_;
  std::vector<Block> blocks_;
  std::size_t size_ = 0;
};

}  // namespace winnow::deduper
