// Words of 32 bits by one of their halves, the key: the other halves ("lanes") of all words with
// the same key stand together, which is what a search scans.
//
// In the order of the key, in one array; it is grown in place from its end: each stretch of old
// lanes moves once, and no second copy is needed. A search comes to 17 keys in no order, each of
// them two cache misses and more: where the key's lanes begin, and the lanes, which often lie on
// two cache lines. So a table of a size for which it costs little has *fronts*: of each key a cache
// line with its first lanes and the place of the others.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "libs/base/result.h"
#include "services/deduper/bit_scan.h"
#include "services/deduper/growing_memory.h"

namespace winnow::deduper {

// By key (0 to keys - 1), those of one key in the order they were in.
template <class Element, class KeyOf>
std::vector<Element> SortedByKey(std::span<const Element> elements, std::size_t keys,
                                 const KeyOf& key_of) {
  std::vector<std::uint32_t> places(keys + 1);
  for (const Element& element : elements) ++places[key_of(element) + 1];
  for (std::size_t key = 1; key <= keys; ++key) places[key] += places[key - 1];
  std::vector<Element> sorted(elements.size());
  for (const Element& element : elements) sorted[places[key_of(element)]++] = element;
  return sorted;
}

// A key that gets more elements in an array that is in the order of keys.
struct Growth {
  std::uint32_t key;
  std::uint32_t end;    // of its elements so far
  std::uint32_t count;  // elements more
};

// Makes a gap of `count` elements after each `end`. In order of `end`; the array has room.
template <class Element>
void Widen(Element* array, std::size_t size, std::span<const Growth> growths) {
  std::size_t by = 0;
  for (const Growth& growth : growths) by += growth.count;
  for (auto growth = growths.rbegin(); growth != growths.rend(); ++growth) {
    std::memmove(array + growth->end + by, array + growth->end,
                 (size - growth->end) * sizeof(Element));
    size = growth->end;
    by -= growth->count;
  }
}

// Not thread-safe; const members may run in parallel.
class LaneTable {
 public:
  static constexpr std::size_t kKeys = 1u << 16;
  static constexpr std::size_t kFrontBytes = kKeys * 64;
  // On average a front is half full from here on, and the arrays are not much larger for it;
  static constexpr std::size_t kFewestForFronts = 16 * kKeys;
  // from here on most keys have more lanes than fit into one.
  static constexpr std::size_t kMostForFronts = 32 * kKeys;

  // `shift`: 0 if the key is the low half of the word, 16 if it is the high one.
  explicit LaneTable(int shift) : shift_(shift) {}

  std::uint32_t KeyOf(std::uint32_t word) const { return (word >> shift_) & 0xffff; }
  std::uint16_t LaneOf(std::uint32_t word) const {
    return static_cast<std::uint16_t>(word >> (16 - shift_));
  }
  std::uint32_t WordOf(std::uint32_t key, std::uint16_t lane) const {
    return key << shift_ | std::uint32_t{lane} << (16 - shift_);
  }

  std::uint32_t size() const { return offsets_.empty() ? 0 : offsets_[kKeys]; }
  // Of a key's words; and how many of all words have a smaller key.
  std::uint32_t Count(std::uint32_t key) const {
    return offsets_.empty() ? 0 : offsets_[key + 1] - offsets_[key];
  }
  std::uint32_t Begin(std::uint32_t key) const { return offsets_.empty() ? 0 : offsets_[key]; }

  // Of a key's words the one that was added as the `index`-th.
  std::uint16_t Lane(std::uint32_t key, std::uint32_t index) const {
    if (index < FrontRoom()) return front(key).lanes[index];
    return lanes()[RestBegin(key) + index - FrontRoom()];
  }

  // Room for so many more. kUnavailable, with nothing changed, if there is none.
  Status Reserve(std::size_t count) { return ResizeLanes(rest_ + count); }

  // Where an array in the order of the table's words grows when these are merged. In the order of
  // the key.
  std::vector<Growth> GrowthsBy(std::span<const std::uint32_t> words) const;
  // Reserve room first. In the order of the key, with their growths; they stand after those there
  // are.
  void Merge(std::span<const std::uint32_t> words, std::span<const Growth> growths);

  // Drops the words for which keep(key, lane) is false; it is asked about all, in their order.
  template <class Keep>
  void Retain(const Keep& keep);

  bool has_fronts() const { return has_fronts_; }
  // kUnavailable, with nothing changed, if there is no room. The table must be in memory.
  Status MakeFronts();
  Status DropFronts();

  // Fetches what AddRange reads first.
  void Fetch(std::uint32_t key) const {
    if (has_fronts_) {
      deduper::Fetch(&front(key));
    } else if (!offsets_.empty()) {
      deduper::Fetch(&offsets_[key]);
    }
  }

  // Fetches what Begin reads.
  void FetchBegin(std::uint32_t key) const {
    if (!offsets_.empty()) deduper::Fetch(&offsets_[key]);
  }

  // The lanes of a key, to be compared with `value`, in one range or two.
  template <std::size_t kRoom>
  void AddRange(std::uint32_t key, std::uint16_t value, int limit, std::uint32_t origin,
                ScanList<std::uint16_t, kRoom>& list) const {
    ScanRange<std::uint16_t> range = {.origin = origin, .value = value,
                                      .limit = static_cast<std::uint16_t>(limit)};
    std::uint32_t count;
    if (has_fronts_) {
      const Front& of_key = front(key);
      count = of_key.count;
      range.lanes = of_key.lanes.data();
      range.count = std::min(count, kFrontLanes);
      list.Add(range);
      if (count <= kFrontLanes) return;
      range.first = kFrontLanes;
      range.lanes = lanes() + of_key.rest;
      count -= kFrontLanes;
    } else {
      count = Count(key);
      range.lanes = lanes() + Begin(key);
    }
    range.count = count;
    list.Fetch(range);
    list.Add(range);
  }

  // In memory or in a file; fronts must not be there.
  GrowingMemory& lane_memory() { return lanes_; }
  std::size_t MemoryBytes() const {
    return lanes_.MemoryBytes() + fronts_.MemoryBytes() + offsets_.capacity() * sizeof(offsets_[0]);
  }
  std::size_t DiskBytes() const { return lanes_.DiskBytes(); }

 private:
  static constexpr std::uint32_t kFrontLanes = 28;

  struct Front {
    // First: a vector load from here does not touch the next cache line.
    std::array<std::uint16_t, kFrontLanes> lanes;
    std::uint32_t rest;   // where the others begin
    std::uint32_t count;  // of all the key's lanes
  };
  static_assert(sizeof(Front) * kKeys == kFrontBytes);

  std::uint32_t FrontRoom() const { return has_fronts_ ? kFrontLanes : 0; }
  static std::uint32_t Beyond(std::uint32_t count, std::uint32_t room) {
    return count > room ? count - room : 0;
  }
  std::uint32_t RestBegin(std::uint32_t key) const {
    return has_fronts_ ? front(key).rest : offsets_[key];
  }
  std::uint16_t& Place(std::uint32_t key, std::uint32_t index) {
    if (index < FrontRoom()) return front(key).lanes[index];
    return lanes()[RestBegin(key) + index - FrontRoom()];
  }

  // The lowest six bits of a place are those by which caches choose a set: with those of the key in
  // them, as they are, most keys that differ in one bit would push each other out.
  static std::size_t FrontPlace(std::uint32_t key) { return key ^ (key >> 6 & 0x3f) ^ key >> 12; }
  Front& front(std::uint32_t key) {
    return reinterpret_cast<Front*>(fronts_.data())[FrontPlace(key)];
  }
  const Front& front(std::uint32_t key) const {
    return reinterpret_cast<const Front*>(fronts_.data())[FrontPlace(key)];
  }
  std::uint16_t* lanes() { return reinterpret_cast<std::uint16_t*>(lanes_.data()); }
  const std::uint16_t* lanes() const {
    return reinterpret_cast<const std::uint16_t*>(lanes_.data());
  }

  Status ResizeLanes(std::size_t count) { return lanes_.Resize(count * sizeof(std::uint16_t)); }
  void GiveBack();
  void Advance(std::span<const Growth> growths, std::span<const Growth> rests);

  int shift_;
  bool has_fronts_ = false;
  std::uint32_t rest_ = 0;              // lanes that are not in fronts
  GrowingMemory lanes_;                 // those
  GrowingMemory fronts_;
  std::vector<std::uint32_t> offsets_;  // where each key begins, and the size; empty before use
};

template <class Keep>
void LaneTable::Retain(const Keep& keep) {
  if (offsets_.empty()) return;
  const std::uint32_t room = FrontRoom();
  std::uint32_t kept_before = 0;
  std::uint32_t begin = 0;  // of the key, before
  std::uint32_t rest = 0;
  for (std::uint32_t key = 0; key < kKeys; ++key) {
    const std::uint32_t count = offsets_[key + 1] - begin;
    const std::uint32_t old_rest = has_fronts_ ? front(key).rest : begin;
    begin += count;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint16_t lane =
          i < room ? front(key).lanes[i] : lanes()[old_rest + i - room];
      if (!keep(key, lane)) continue;
      (kept < room ? front(key).lanes[kept] : lanes()[rest + kept - room]) = lane;
      ++kept;
    }
    if (has_fronts_) {
      front(key).rest = rest;
      front(key).count = kept;
    }
    rest += Beyond(kept, room);
    kept_before += kept;
    offsets_[key + 1] = kept_before;
  }
  rest_ = rest;
  GiveBack();
}

}  // namespace winnow::deduper
