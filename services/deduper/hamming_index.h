// Finds 256-bit fingerprints within a Hamming distance: exactly, and without looking at all of
// them. Entries come and go; memory is bounded by a figure, what is beyond it is kept in files.
//
// Multi-index hashing (Norouzi, Punjani, Fleet: Fast Exact Search in Hamming Space with Multi-Index
// Hashing, 2014) with the geometry of PDQ's reference index: 16 bands of 16 bits, each with its own
// table. Two fingerprints at distance <= 31 differ by at most one bit in some band, so 17 probes
// into each table meet every match.
//
// A second pigeonhole drops most false candidates before they cost a cache miss. Pair the bands
// into 8 words: 31 differing bits leave some word with at most 3, hence a band with at most 1 and
// its partner with the rest. A candidate counts only if the partner differs by <= 3 bits where the
// band was equal, by <= 2 where it was one bit off. What stands where: word_table.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "services/deduper/bit_scan.h"
#include "services/deduper/fingerprint_store.h"
#include "services/deduper/word_table.h"

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel with each other.
class HammingIndex {
 public:
  using Bits = FingerprintStore::Bits;

  // The pigeonholes above hold up to here.
  static constexpr int kMaxDistance = 31;

  struct Match {
    std::uint32_t id = 0;
    int distance = 0;  // bits
    friend auto operator<=>(const Match&, const Match&) = default;
  };

  // Whether an entry within the distance counts. Asked at most once for each of them, and never
  // about others, in order of distance, then id, until it says yes.
  using Accept = std::function<bool(std::uint32_t id)>;

  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  struct Options {
    // What would exceed it: first the fronts of lane_table.h are given up, then arrays are moved to
    // files, one by one: ids first, then fingerprints, then what each search scans. 0: everything
    // that can be in a file is. What cannot is bounded, too: README.md tells by how much.
    std::uint64_t memory_bytes = kUnlimited;
    // Where the files are, nameless, as long as the index lives; made if it is not there. Must be a
    // local disk.
    std::string spill_directory;
    // Entries that are collected before they are merged, at least; for tests of merging.
    std::size_t fewest_recent = 16384;
    // Entries from which on there are fronts (lane_table.h); for tests of them.
    std::size_t fewest_for_fronts = LaneTable::kFewestForFronts;
    const BitScan* scan = &BestBitScan();
  };

  // kConfig if memory is limited and there is no directory, kUnavailable if it cannot be written to.
  static Result<HammingIndex> Create(Options options);
  // In memory, without limit.
  HammingIndex();

  // `id` is the caller's and must not be in the index. Number in ascending order, more or less
  // densely, and do not use an id again: memory is taken by blocks of 65536 ids. 2^32 - 1 is
  // reserved. kUnavailable, with nothing changed, if there is no room on disk.
  Status Insert(std::uint32_t id, const Bits& bits);

  // To fill an index quickly: Append any number of entries, as by Insert, then Build. Between the
  // two nothing else may be called.
  Status Append(std::uint32_t id, const Bits& bits);
  Status Build();

  // False if `id` is not in the index.
  bool Erase(std::uint32_t id);

  // The closest within `max_distance` that `accept` (if there is one) accepts, the smallest id
  // among equals. 0 <= max_distance <= 31. Distances below 16 cost a tenth of the others.
  std::optional<Match> FindNearest(const Bits& bits, int max_distance,
                                   const Accept& accept = {}) const;

  // All within `max_distance`, in order of id. 0 <= max_distance <= 31.
  std::vector<Match> FindAll(const Bits& bits, int max_distance) const;

  std::size_t size() const { return store_.size(); }

  // All that is held, unused room included. Files are mapped: what the system caches of them is
  // its own and not counted.
  std::size_t MemoryBytes() const;
  std::size_t DiskBytes() const;

 private:
  explicit HammingIndex(Options options);

  std::size_t MostRecent() const;
  Status SettleIfDue();
  void SweepIfDue();
  Status LoadPending();
  void AddToTables(std::uint32_t id);
  Status HoldEntry(std::uint32_t id);
  // Whether so many bytes more stay within the limit of memory.
  bool Fits(std::size_t more_bytes) const;
  // For entries that the large part of each of these tables is to get.
  Status MakeRoomFor(std::size_t entries, std::span<const WordTable> tables);
  Status ForbidFronts();
  Status SpillFor(std::size_t more_bytes);
  Status SpillNext();

  Options options_;
  FingerprintStore store_;
  std::array<WordTable, WordTable::kWords> tables_;
  // Tables settle and are swept one at a time, so that no call takes long.
  std::size_t inserts_ = 0;  // since a table was last settled
  std::size_t erasures_ = 0;  // since a table was last swept
  std::size_t next_to_settle_ = 0;
  std::size_t next_to_sweep_ = 0;
  int spilled_ = 0;  // arrays that went to files
  std::vector<std::uint32_t> pending_;  // appended, not in the tables yet
};

// 0..256.
int HammingDistance(const HammingIndex::Bits& a, const HammingIndex::Bits& b);

}  // namespace winnow::deduper
