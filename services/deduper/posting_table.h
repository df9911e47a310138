// Postings (a 32-bit word and the id it belongs to) grouped by some bits of the word, so that all
// with the same bits stand together.
//
// Two arrays in the order of the key: the rest of the word ("lane"), which a search scans, and the
// id, which it reads for the few lanes that are near. New postings are merged in place from the
// end: each stretch of old ones moves once, and no second copy is needed.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "libs/base/check.h"
#include "libs/base/result.h"
#include "services/deduper/bit_scan.h"
#include "services/deduper/growing_memory.h"

namespace winnow::deduper {

struct Posting {
  std::uint32_t word;
  std::uint32_t id;
};

// The key of a word is its lowest kKeyBits after a rotation by `shift` to the right; the lane is
// the top of what was rotated. Not thread-safe; const members may run in parallel.
template <class Lane, int kKeyBits>
class PostingTable {
 public:
  explicit PostingTable(int shift) : shift_(shift) {}

  std::uint32_t size() const { return size_; }

  // Room for `count` more postings. kUnavailable, with nothing changed, if there is none.
  Status Reserve(std::size_t count) {
    WINNOW_RETURN_IF_ERROR(lanes_.Resize((size_ + count) * sizeof(Lane)));
    return ids_.Resize((size_ + count) * sizeof(std::uint32_t));
  }

  // Reserve room first. Postings of one key stand in the order they were merged in.
  void Merge(std::span<const Posting> postings);

  // Drops the postings whose id `dead` accepts.
  template <class Predicate>
  void RemoveIf(const Predicate& dead);

  void Clear() {
    size_ = 0;
    offsets_.clear();
    offsets_.shrink_to_fit();
    GiveBack();
  }

  // Calls visit(lane, id) for each posting.
  template <class Visitor>
  void ForEach(const Visitor& visit) const {
    for (std::uint32_t i = 0; i < size_; ++i) visit(lanes()[i], ids()[i]);
  }

  // The postings whose key is that of `word`, apart from the bits set in `flip`.
  ScanRange<Lane> Find(std::uint32_t word, std::uint32_t flip, int limit) const {
    if (size_ == 0) return {};
    const std::uint32_t turned = Turn(word);
    const std::uint32_t key = KeyOf(turned) ^ flip;
    return {lanes() + offsets_[key], ids() + offsets_[key], offsets_[key + 1] - offsets_[key],
            LaneOf(turned), static_cast<std::uint16_t>(limit)};
  }

  // Fetches what Find(word, flip) reads for each `flip` of one bit.
  void PrefetchNeighbours(std::uint32_t word) const {
    if (size_ == 0) return;
    const std::uint32_t key = KeyOf(Turn(word));
    // Those of the lower bits are on the cache line of the key itself.
    __builtin_prefetch(&offsets_[key]);
    for (int bit = 4; bit < kKeyBits; ++bit) __builtin_prefetch(&offsets_[key ^ (1u << bit)]);
  }

  GrowingMemory& lane_memory() { return lanes_; }
  GrowingMemory& id_memory() { return ids_; }
  std::size_t MemoryBytes() const {
    return lanes_.MemoryBytes() + ids_.MemoryBytes() + offsets_.capacity() * sizeof(offsets_[0]);
  }
  std::size_t DiskBytes() const { return lanes_.DiskBytes() + ids_.DiskBytes(); }

 private:
  static constexpr std::size_t kKeys = std::size_t{1} << kKeyBits;

  std::uint32_t Turn(std::uint32_t word) const { return std::rotr(word, shift_); }
  static std::uint32_t KeyOf(std::uint32_t turned) { return turned & (kKeys - 1); }
  static Lane LaneOf(std::uint32_t turned) {
    return static_cast<Lane>(turned >> (32 - 8 * sizeof(Lane)));
  }

  Lane* lanes() { return reinterpret_cast<Lane*>(lanes_.data()); }
  const Lane* lanes() const { return reinterpret_cast<const Lane*>(lanes_.data()); }
  std::uint32_t* ids() { return reinterpret_cast<std::uint32_t*>(ids_.data()); }
  const std::uint32_t* ids() const { return reinterpret_cast<const std::uint32_t*>(ids_.data()); }

  std::vector<Posting> Sorted(std::span<const Posting> postings,
                              std::vector<std::uint32_t>& ends) const;
  void Move(std::size_t begin, std::size_t end, std::size_t by);
  void GiveBack() { WINNOW_CHECK(Reserve(0)); }

  int shift_;
  std::uint32_t size_ = 0;
  GrowingMemory lanes_;
  GrowingMemory ids_;
  std::vector<std::uint32_t> offsets_;  // where each key begins, and the size; empty before use
};

// The postings by key; `ends` counts, for each key, those with it or a lower one.
template <class Lane, int kKeyBits>
std::vector<Posting> PostingTable<Lane, kKeyBits>::Sorted(std::span<const Posting> postings,
                                                          std::vector<std::uint32_t>& ends) const {
  std::vector<std::uint32_t> places(kKeys + 1);
  for (const Posting& posting : postings) ++places[KeyOf(Turn(posting.word)) + 1];
  for (std::size_t key = 1; key <= kKeys; ++key) places[key] += places[key - 1];
  ends.assign(places.begin() + 1, places.end());
  std::vector<Posting> sorted(postings.size());
  for (const Posting& posting : postings) sorted[places[KeyOf(Turn(posting.word))]++] = posting;
  return sorted;
}

template <class Lane, int kKeyBits>
void PostingTable<Lane, kKeyBits>::Move(std::size_t begin, std::size_t end, std::size_t by) {
  std::memmove(lanes() + begin + by, lanes() + begin, (end - begin) * sizeof(Lane));
  std::memmove(ids() + begin + by, ids() + begin, (end - begin) * sizeof(std::uint32_t));
}

template <class Lane, int kKeyBits>
void PostingTable<Lane, kKeyBits>::Merge(std::span<const Posting> postings) {
  if (postings.empty()) return;
  if (offsets_.empty()) offsets_.assign(kKeys + 1, 0);
  std::vector<std::uint32_t> ends;
  const std::vector<Posting> sorted = Sorted(postings, ends);
  std::size_t old_end = size_;
  for (std::size_t left = sorted.size(); left > 0;) {
    const std::uint32_t key = KeyOf(Turn(sorted[left - 1].word));
    const std::size_t old_begin = offsets_[key + 1];
    Move(old_begin, old_end, left);
    old_end = old_begin;
    const std::size_t first = key == 0 ? 0 : ends[key - 1];
    for (; left > first; --left) {
      lanes()[old_begin + left - 1] = LaneOf(Turn(sorted[left - 1].word));
      ids()[old_begin + left - 1] = sorted[left - 1].id;
    }
  }
  for (std::size_t key = 0; key < kKeys; ++key) offsets_[key + 1] += ends[key];
  size_ += static_cast<std::uint32_t>(sorted.size());
}

template <class Lane, int kKeyBits>
template <class Predicate>
void PostingTable<Lane, kKeyBits>::RemoveIf(const Predicate& dead) {
  if (size_ == 0) return;
  std::uint32_t kept = 0;
  std::uint32_t at = 0;
  for (std::size_t key = 0; key < kKeys; ++key) {
    for (; at < offsets_[key + 1]; ++at) {
      if (dead(ids()[at])) continue;
      lanes()[kept] = lanes()[at];
      ids()[kept] = ids()[at];
      ++kept;
    }
    offsets_[key + 1] = kept;
  }
  size_ = kept;
  GiveBack();
}

}  // namespace winnow::deduper
