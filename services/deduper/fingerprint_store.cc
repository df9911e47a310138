#include "services/deduper/fingerprint_store.h"

#include <cstring>
#include <utility>

#include "libs/base/check.h"

namespace winnow::deduper {

Status FingerprintStore::Hold(std::uint32_t id) {
  if (HasRoom(id)) return {};
  const std::size_t block = id / kBlock;
  WINNOW_RETURN_IF_ERROR(bits_.ExtendSparse(OffsetOf(block + 1)));
  WINNOW_RETURN_IF_ERROR(bits_.Hold(OffsetOf(block), kBlockBytes));
  if (bits_.in_file()) bits_.ExpectRandomAccess();
  if (blocks_.size() <= block) blocks_.resize(block + 1);
  blocks_[block].present = std::make_unique<Presence>();
  return {};
}

void FingerprintStore::Put(std::uint32_t id, const Bits& bits) {
  WINNOW_CHECK(!Contains(id));
  Block& block = blocks_[id / kBlock];
  reinterpret_cast<Bits*>(bits_.data())[id] = bits;
  (*block.present)[id % kBlock / 64] |= std::uint64_t{1} << (id % 64);
  ++block.entries;
  ++size_;
}

bool FingerprintStore::Erase(std::uint32_t id) {
  if (!Contains(id)) return false;
  Block& block = blocks_[id / kBlock];
  (*block.present)[id % kBlock / 64] &= ~(std::uint64_t{1} << (id % 64));
  --size_;
  if (--block.entries == 0) {
    block.present.reset();
    bits_.Discard(OffsetOf(id / kBlock), kBlockBytes);
  }
  return true;
}

Status FingerprintStore::MoveToFile(const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(GrowingMemory moved, GrowingMemory::InFile(directory));
  WINNOW_RETURN_IF_ERROR(moved.ExtendSparse(OffsetOf(blocks_.size())));
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    if (blocks_[block].present == nullptr) continue;
    WINNOW_RETURN_IF_ERROR(moved.Hold(OffsetOf(block), kBlockBytes));
    std::memcpy(moved.data() + OffsetOf(block), bits_.data() + OffsetOf(block),
                kBlockBytes);
  }
  bits_ = std::move(moved);
  bits_.ExpectRandomAccess();
  return {};
}

std::size_t FingerprintStore::MemoryBytes() const {
  std::size_t bytes = bits_.MemoryBytes() + blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_) {
    if (block.present != nullptr) bytes += sizeof(Presence);
  }
  return bytes;
}

}  // namespace winnow::deduper
