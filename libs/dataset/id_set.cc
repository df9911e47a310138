#include "libs/dataset/id_set.h"

#include <cstring>
#include <utility>

#include "libs/base/digest.h"

namespace winnow::dataset {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // a power of two

}  // namespace

IdSet::Slot IdSet::SlotOf(const RecordId& id) {
  const Sha256Digest digest = Sha256(id.value());
  Slot slot;
  std::memcpy(&slot.high, digest.data(), sizeof(slot.high));
  std::memcpy(&slot.low, digest.data() + sizeof(slot.high), sizeof(slot.low));
  slot.low |= 1;
  return slot;
}

std::size_t IdSet::PlaceOf(const Slot& slot) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = slot.high & mask;
  while (slots_[place].low != 0 && slots_[place] != slot) place = (place + 1) & mask;
  return place;
}

bool IdSet::Contains(const RecordId& id) const {
  return size_ > 0 && slots_[PlaceOf(SlotOf(id))].low != 0;
}

bool IdSet::Insert(const RecordId& id) {
  if ((size_ + 1) * 3 > slots_.size() * 2) Grow();
  const Slot slot = SlotOf(id);
  Slot& place = slots_[PlaceOf(slot)];
  if (place.low != 0) return false;
  place = slot;
  ++size_;
  return true;
}

void IdSet::Grow() {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(wanted));
  for (const Slot& slot : before) {
    if (slot.low != 0) slots_[PlaceOf(slot)] = slot;
  }
}

}  // namespace winnow::dataset
