// All entries by one of the eight 32-bit words of their fingerprints: finds those whose word
// differs from a given one in at most 3 bits.
//
// Large part: by each half of the word. Of at most 3 bits one half has at most 1, so an entry is
// met where a half is equal and the other half differs by <= 3 bits, or where a half is one bit off
// and the other differs by <= 2. Either way a whole word is met. Where there are fronts (see
// lane_table.h), only the table by low halves knows whose it is, so that both take no more memory
// together than without: a search scans thousands of words and meets a handful.
// Recent part: by each byte. Of 4 bytes with at most 3 errors one is equal. Its tables are small and
// cheap to add to, and searching them takes 4 look-ups instead of 34, as long as they are short.
// Newest part: a list, which goes to the recent part when it has grown long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libs/base/result.h"
#include "services/deduper/bit_scan.h"
#include "services/deduper/fingerprint_store.h"
#include "services/deduper/lane_table.h"
#include "services/deduper/recent_table.h"

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel.
class WordTable {
 public:
  // Entries that are better loaded at a time: sorting them takes 20 bytes each.
  static constexpr std::size_t kMostToLoad = 1u << 20;
  static constexpr std::size_t kWords = 8;  // tables a search goes through
  // Ranges that one search in one table adds at most.
  static constexpr std::size_t kRecentRanges = 4 + 1;
  static constexpr std::size_t kEqualRanges = 2 * 2;
  static constexpr std::size_t kOneOffRanges = 2 * 2 * 16;
  // One place more than is ever filled, for the last Add.
  using RecentRanges = ScanList<std::uint32_t, kWords * kRecentRanges + 1>;
  using EqualRanges = ScanList<std::uint16_t, kWords * kEqualRanges + 1>;
  using OneOffRanges = ScanList<std::uint16_t, kOneOffRanges + 1>;
  static constexpr std::size_t kSameWords = 32;  // that fit in a list, from any tables
  using SameRanges = ScanList<std::uint16_t, kSameWords * 2 + 1>;

  // `number`: 0 to 7, the place of the word in a fingerprint; tells hits of one table from those of
  // another. From `fewest_for_fronts` entries on the large part has fronts, unless they are
  // forbidden.
  WordTable(std::uint32_t number, std::size_t fewest_for_fronts)
      : number_(number), fewest_for_fronts_(fewest_for_fronts) {}
  static std::size_t NumberOf(const ScanHits::Hit& hit) { return hit.origin >> kNumberShift; }

  void Insert(const Posting& posting);

  // Moves the recent and the newest entries into the large part, without those `store` has no more.
  // kUnavailable, with nothing lost, if there is no room.
  Status Settle(const FingerprintStore& store);
  // Puts entries into the large part directly. kUnavailable, as above.
  Status Load(std::span<const Posting> postings);
  // Drops from the large part what `store` has no more.
  void Sweep(const FingerprintStore& store);

  // The places of entries whose word differs in at most `errors` bits. Three steps find them all,
  // some more than once: an entry with at most one error needs only the first two.
  void AddRecent(std::uint32_t word, int errors, RecentRanges& ranges) const;
  void AddEqual(std::uint32_t word, int errors, EqualRanges& ranges) const;
  void AddOneOff(std::uint32_t word, int errors, OneOffRanges& ranges) const;
  // What AddEqual, AddOneOff read first.
  void FetchEqual(std::uint32_t word) const;
  void FetchOneOff(std::uint32_t word) const;

  // Where the id of an entry is that was hit in the recent or the newest part.
  const std::uint32_t* RecentId(const ScanHits::Hit& hit) const;
  // Whether the id is known of what was hit in the large part, or nothing but the word.
  bool HasId(const ScanHits::Hit& hit) const { return HalfOf(hit) == 0 || high_has_ids_; }
  const std::uint32_t* SettledId(const ScanHits::Hit& hit) const;
  void FetchSettledId(const ScanHits::Hit& hit) const;  // what SettledId reads
  std::uint32_t SettledWord(const ScanHits::Hit& hit) const;
  // The places of the entries with this word: hits there have ids.
  void AddSame(std::uint32_t word, SameRanges& ranges) const;
  void FetchSame(std::uint32_t word) const;  // what AddSame reads

  // Entries of the recent and the newest part.
  std::size_t recent() const { return recent_[0].size() + newest_; }

  // What the large part grows by with so many entries, at most, apart from fronts.
  static std::size_t SettledBytes(std::size_t entries) {
    return entries * 2 * (sizeof(std::uint16_t) + sizeof(std::uint32_t));
  }
  // What fronts add to that, if it gives the table a size to have them.
  std::size_t FrontBytes(std::size_t entries) const {
    return WantsFronts(entries) && !low_.has_fronts() ? 2 * LaneTable::kFrontBytes : 0;
  }
  // Drops them, too. kUnavailable if there is no memory.
  Status ForbidFronts();
  bool fronts_allowed() const { return fronts_allowed_; }

  // The arrays of the large part, those first whose going to disk costs a search least. Forbid
  // fronts before.
  static constexpr int kSpills = 4;
  GrowingMemory& SpillArray(int i);

  std::size_t MemoryBytes() const;
  std::size_t DiskBytes() const {
    return low_.DiskBytes() + high_.DiskBytes() + low_ids_.DiskBytes() + high_ids_.DiskBytes();
  }

 private:
  static constexpr std::uint32_t kHalfShift = 16;  // above a key
  static constexpr std::uint32_t kNumberShift = 17;

  std::uint32_t SettledOrigin(std::uint32_t half, std::uint32_t key) const {
    return number_ << kNumberShift | half << kHalfShift | key;
  }
  std::uint32_t RecentOrigin(std::uint32_t part) const { return number_ << kNumberShift | part; }
  static std::uint32_t HalfOf(const ScanHits::Hit& hit) { return hit.origin >> kHalfShift & 1; }
  const LaneTable& TableOf(const ScanHits::Hit& hit) const {
    return HalfOf(hit) == 0 ? low_ : high_;
  }

  bool WantsFronts(std::size_t more) const {
    const std::size_t size = low_.size() + more;
    return fronts_allowed_ && size >= fewest_for_fronts_ && size < LaneTable::kMostForFronts;
  }
  Status MakeFronts();
  Status DropFronts();
  Status RebuildHigh();
  void MakeRoomForNewest();
  void MergeNewest();

  std::uint32_t number_;
  std::size_t fewest_for_fronts_;
  bool fronts_allowed_ = true;
  LaneTable low_{0};
  LaneTable high_{16};
  bool high_has_ids_ = true;
  GrowingMemory low_ids_;  // of the words in low_, in the same order
  GrowingMemory high_ids_;
  std::array<RecentTable, 4> recent_ = {RecentTable(0), RecentTable(8), RecentTable(16),
                                        RecentTable(24)};
  // The newest: the first so many of two arrays, which can be scanned like any range.
  std::size_t newest_ = 0;
  std::vector<std::uint32_t> newest_words_;
  std::vector<std::uint32_t> newest_ids_;
};

}  // namespace winnow::deduper
