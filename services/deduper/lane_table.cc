#include "services/deduper/lane_table.h"

#include "libs/base/check.h"

namespace winnow::deduper {

std::vector<Growth> LaneTable::GrowthsBy(std::span<const std::uint32_t> words) const {
  std::vector<Growth> growths;
  for (const std::uint32_t word : words) {
    const std::uint32_t key = KeyOf(word);
    if (growths.empty() || growths.back().key != key) {
      growths.push_back({key, Begin(key) + Count(key), 0});
    }
    ++growths.back().count;
  }
  return growths;
}

void LaneTable::Merge(std::span<const std::uint32_t> words, std::span<const Growth> growths) {
  if (words.empty()) return;
  if (offsets_.empty()) offsets_.assign(kKeys + 1, 0);
  const std::uint32_t room = FrontRoom();
  std::vector<Growth> rests;
  for (const Growth& growth : growths) {
    const std::uint32_t before = Count(growth.key);
    const std::uint32_t rest = Beyond(before, room);
    const std::uint32_t more = Beyond(before + growth.count, room) - rest;
    if (more > 0) rests.push_back({growth.key, RestBegin(growth.key) + rest, more});
  }
  Widen(lanes(), rest_, rests);
  Advance(growths, rests);
  auto word = words.begin();
  for (const Growth& growth : growths) {
    const std::uint32_t count = Count(growth.key);
    for (std::uint32_t i = count - growth.count; i < count; ++i) {
      Place(growth.key, i) = LaneOf(*word++);
    }
  }
  GiveBack();
}

// Every key's place, once the keys before it have grown.
void LaneTable::Advance(std::span<const Growth> growths, std::span<const Growth> rests) {
  std::uint32_t by = 0;
  std::uint32_t key = 0;
  const auto move_up_to = [&](std::uint32_t end) {
    for (; key < end; ++key) offsets_[key + 1] += by;
  };
  for (const Growth& growth : growths) {
    move_up_to(growth.key);
    by += growth.count;
  }
  move_up_to(kKeys);
  for (const Growth& growth : rests) rest_ += growth.count;
  if (!has_fronts_) return;
  for (const Growth& growth : growths) front(growth.key).count = Count(growth.key);
  std::uint32_t rest_by = 0;
  for (std::size_t i = 0; i < rests.size(); ++i) {
    rest_by += rests[i].count;
    const std::size_t end = i + 1 < rests.size() ? rests[i + 1].key + 1 : kKeys;
    for (std::size_t after = rests[i].key + 1; after < end; ++after) {
      front(static_cast<std::uint32_t>(after)).rest += rest_by;
    }
  }
}

Status LaneTable::MakeFronts() {
  WINNOW_CHECK(!has_fronts_ && !lanes_.in_file());
  GrowingMemory fronts;
  WINNOW_RETURN_IF_ERROR(fronts.ExtendSparse(kFrontBytes + GrowingMemory::kPadding));
  WINNOW_RETURN_IF_ERROR(fronts.Hold(0, kFrontBytes));
  fronts_ = std::move(fronts);
  if (offsets_.empty()) offsets_.assign(kKeys + 1, 0);
  std::uint32_t rest = 0;
  for (std::uint32_t key = 0; key < kKeys; ++key) {
    Front& of_key = front(key);
    of_key.count = Count(key);
    of_key.rest = rest;
    const std::uint16_t* const old = lanes() + offsets_[key];
    const std::uint32_t first = std::min(of_key.count, kFrontLanes);
    std::copy_n(old, first, of_key.lanes.begin());
    std::copy(old + first, old + of_key.count, lanes() + rest);
    rest += of_key.count - first;
  }
  has_fronts_ = true;
  rest_ = rest;
  GiveBack();
  return {};
}

Status LaneTable::DropFronts() {
  if (!has_fronts_) return {};
  WINNOW_RETURN_IF_ERROR(ResizeLanes(size()));
  for (std::uint32_t key = kKeys; key-- > 0;) {
    const Front& of_key = front(key);
    const std::uint32_t first = std::min(of_key.count, kFrontLanes);
    std::uint16_t* const to = lanes() + offsets_[key];
    std::memmove(to + first, lanes() + of_key.rest,
                 (of_key.count - first) * sizeof(std::uint16_t));
    std::copy_n(of_key.lanes.begin(), first, to);
  }
  has_fronts_ = false;
  rest_ = size();
  fronts_ = GrowingMemory();
  return {};
}

void LaneTable::GiveBack() { WINNOW_CHECK(ResizeLanes(rest_)); }

}  // namespace winnow::deduper
