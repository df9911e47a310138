#include "libs/dataset/id_map.h"

#include <cstring>
#include <utility>

#include "libs/base/check.h"
#include "libs/base/digest.h"

namespace winnow::dataset {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // a power of two

}  // namespace

IdMap::Slot IdMap::SlotOf(const RecordId& id, std::uint32_t value) {
  const Sha256Digest digest = Sha256(id.value());
  Slot slot;
  std::memcpy(&slot.high, digest.data(), sizeof(slot.high));
  std::memcpy(&slot.low, digest.data() + sizeof(slot.high), sizeof(slot.low));
  slot.value_plus_one = value + 1;
  return slot;
}

std::size_t IdMap::PlaceOf(const Slot& slot) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = slot.high & mask;
  while (!slots_[place].free() && !slots_[place].IsOf(slot)) place = (place + 1) & mask;
  return place;
}

std::optional<std::uint32_t> IdMap::Find(const RecordId& id) const {
  if (size_ == 0) return std::nullopt;
  const Slot& found = slots_[PlaceOf(SlotOf(id, 0))];
  if (found.free()) return std::nullopt;
  return found.value_plus_one - 1;
}

bool IdMap::Insert(const RecordId& id, std::uint32_t value) {
  WINNOW_CHECK(value <= kMaxValue);
  if ((size_ + 1) * 3 > slots_.size() * 2) Grow();
  const Slot slot = SlotOf(id, value);
  Slot& place = slots_[PlaceOf(slot)];
  if (!place.free()) return false;
  place = slot;
  ++size_;
  return true;
}

void IdMap::Assign(const RecordId& id, std::uint32_t value) {
  WINNOW_CHECK(size_ > 0 && value <= kMaxValue);
  const Slot slot = SlotOf(id, value);
  Slot& place = slots_[PlaceOf(slot)];
  WINNOW_CHECK(!place.free());
  place = slot;
}

void IdMap::Grow() {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(wanted));
  for (const Slot& slot : before) {
    if (!slot.free()) slots_[PlaceOf(slot)] = slot;
  }
}

}  // namespace winnow::dataset
