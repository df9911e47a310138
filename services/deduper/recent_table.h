// Few words of 32 bits, each with an id, by one of their bytes: cheap to add to, and a search for
// words with an equal byte is one look-up. Grown in place, as the table of lanes is.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libs/base/check.h"
#include "services/deduper/bit_scan.h"
#include "services/deduper/growing_memory.h"
#include "services/deduper/lane_table.h"

namespace winnow::deduper {

struct Posting {
  std::uint32_t word;
  std::uint32_t id;
};

// Not thread-safe; const members may run in parallel.
class RecentTable {
 public:
  // `shift`: of the byte in the word.
  explicit RecentTable(int shift) : shift_(shift) {}

  std::uint32_t size() const { return size_; }

  void Merge(std::span<const Posting> postings) {
    // Always in memory; lack of that ends the process, as everywhere.
    WINNOW_CHECK(Reserve(size_ + postings.size()));
    const std::vector<Posting> sorted = SortedByKey(
        postings, kKeys, [&](const Posting& posting) { return KeyOf(posting.word); });
    std::array<Growth, kKeys> growths;
    for (std::uint32_t key = 0; key < kKeys; ++key) growths[key] = {key, offsets_[key + 1], 0};
    for (const Posting& posting : sorted) ++growths[KeyOf(posting.word)].count;
    Widen<std::uint32_t>(words(), size_, growths);
    Widen<std::uint32_t>(ids(), size_, growths);
    std::uint32_t by = 0;
    for (const Growth& growth : growths) {
      for (std::uint32_t i = 0; i < growth.count; ++i, ++by) {
        words()[growth.end + by] = sorted[by].word;
        ids()[growth.end + by] = sorted[by].id;
      }
      offsets_[growth.key + 1] += by;
    }
    size_ += by;
  }

  void Clear() {
    size_ = 0;
    offsets_ = {};
    WINNOW_CHECK(Reserve(0));
  }

  // Calls visit(word, id) for each posting.
  template <class Visitor>
  void ForEach(const Visitor& visit) const {
    for (std::uint32_t i = 0; i < size_; ++i) visit(words()[i], ids()[i]);
  }

  // Those with the same byte as `word`.
  ScanRange<std::uint32_t> Find(std::uint32_t word, int limit, std::uint32_t origin) const {
    const std::uint32_t key = KeyOf(word);
    return {.lanes = words() + offsets_[key],
            .count = offsets_[key + 1] - offsets_[key],
            .first = offsets_[key],
            .origin = origin,
            .value = word,
            .limit = static_cast<std::uint16_t>(limit)};
  }
  const std::uint32_t* IdAt(std::uint32_t index) const { return ids() + index; }

  std::size_t MemoryBytes() const { return words_.MemoryBytes() + ids_.MemoryBytes(); }

 private:
  static constexpr std::uint32_t kKeys = 256;

  std::uint32_t KeyOf(std::uint32_t word) const { return (word >> shift_) & 0xff; }
  Status Reserve(std::size_t count) {
    WINNOW_RETURN_IF_ERROR(words_.Resize(count * sizeof(std::uint32_t)));
    return ids_.Resize(count * sizeof(std::uint32_t));
  }

  std::uint32_t* words() { return reinterpret_cast<std::uint32_t*>(words_.data()); }
  const std::uint32_t* words() const {
    return reinterpret_cast<const std::uint32_t*>(words_.data());
  }
  std::uint32_t* ids() { return reinterpret_cast<std::uint32_t*>(ids_.data()); }
  const std::uint32_t* ids() const { return reinterpret_cast<const std::uint32_t*>(ids_.data()); }

  int shift_;
  std::uint32_t size_ = 0;
  GrowingMemory words_;
  GrowingMemory ids_;
  std::array<std::uint32_t, kKeys + 1> offsets_ = {};  // where each key begins, and the size
};

}  // namespace winnow::deduper
