// All entries by one of the eight 32-bit words of their fingerprints: finds those whose word differs
// from a given one in at most 3 bits.
//
// Large part: by each half of the word. Of at most 3 bits one half has at most 1, so an entry is met
// where a half is equal and the other half differs by <= 3 bits, or where a half is one bit off and
// the other differs by <= 2.
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
#include "services/deduper/posting_table.h"

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel.
class WordTable {
 public:
  static constexpr int kMaxErrors = 3;
  // Ranges that one search in one table adds at most; one place more than that for the last Add.
  static constexpr std::size_t kRecentRanges = 4 + 1;
  static constexpr std::size_t kEqualRanges = 2;
  static constexpr std::size_t kOneOffRanges = 2 * 16;
  static constexpr std::size_t kWords = 8;  // tables a search goes through
  using RecentRanges = ScanList<std::uint32_t, kWords * kRecentRanges + 1>;
  using SettledRanges = ScanList<std::uint16_t, kWords * kOneOffRanges + 1>;

  void Insert(const Posting& posting);

  // Moves the recent and the newest entries into the large part, without those `store` has no more.
  // kUnavailable, with nothing changed, if there is no room.
  Status Settle(const FingerprintStore& store);
  // Puts entries into the large part directly. kUnavailable, with nothing changed, if there is no
  // room.
  Status Load(std::span<const Posting> postings);
  // Drops from the large part what `store` has no more.
  void Sweep(const FingerprintStore& store);

  // The places of entries whose word differs in at most `errors` bits. Three steps find them all,
  // some more than once: an entry with at most one error needs only the first two.
  void AddRecent(std::uint32_t word, int errors, RecentRanges& ranges) const;
  void AddEqual(std::uint32_t word, int errors, SettledRanges& ranges) const;
  void AddOneOff(std::uint32_t word, int errors, SettledRanges& ranges) const;
  void PrefetchOneOff(std::uint32_t word) const;

  // Entries of the recent and the newest part.
  std::size_t recent() const { return recent_[0].size() + newest_; }

  // What the large part grows by with so many entries, at most.
  static std::size_t SettledBytes(std::size_t entries) {
    return entries * 2 * (sizeof(std::uint16_t) + sizeof(std::uint32_t));
  }
  // The arrays of the large part, those first whose going to disk costs a search least.
  static constexpr int kSpills = 4;
  GrowingMemory& SpillArray(int i);

  std::size_t MemoryBytes() const;
  std::size_t DiskBytes() const { return low_.DiskBytes() + high_.DiskBytes(); }

 private:
  using Recent = PostingTable<std::uint32_t, 8>;

  void MakeRoomForNewest();
  void MergeNewest();

  PostingTable<std::uint16_t, 16> low_{0};
  PostingTable<std::uint16_t, 16> high_{16};
  std::array<Recent, 4> recent_ = {Recent(0), Recent(8), Recent(16), Recent(24)};
  // The newest: the first so many of two arrays, which can be scanned like any range.
  std::size_t newest_ = 0;
  std::vector<std::uint32_t> newest_words_;
  std::vector<std::uint32_t> newest_ids_;
};

}  // namespace winnow::deduper
