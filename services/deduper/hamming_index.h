// Finds 256-bit fingerprints within a Hamming distance: exactly, and without looking at all of
// them.
//
// Multi-index hashing (Norouzi, Punjani, Fleet: Fast Exact Search in Hamming Space with Multi-Index
// Hashing, 2014) with the geometry of PDQ's reference index: 16 bands of 16 bits, each with its own
// table. Two fingerprints at distance <= 31 differ by at most one bit in some band, so 17 probes
// into each table meet every match.
//
// A second pigeonhole drops most false candidates before they cost a cache miss. Pair the bands:
// 31 differing bits spread over 8 pairs leave some pair with at most 3, hence a band with at most 1
// and its partner with the rest. A posting therefore stores the partner band beside the id; a
// candidate counts only if the partner differs by <= 3 bits where the band was equal, by <= 2 where
// it was one bit off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include "libs/base/result.h"
#include <memory>
#include <optional>
#include <vector>

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel with each other.
class HammingIndex {
 public:
  using Bits = std::array<std::uint64_t, 4>;

  // The pigeonholes above hold up to here.
  static constexpr int kMaxDistance = 31;

  struct Match {
    std::uint32_t id = 0;
    int distance = 0;  // bits
    friend auto operator<=>(const Match&, const Match&) = default;
  };

  struct Options {
    std::uint64_t memory_bytes = ~0ull;
    std::string spill_directory = {};
  };
  static Result<HammingIndex> Create(const Options&) { return HammingIndex(); }
  HammingIndex();

  // `id` is the caller's and must not be in the index. Memory grows with the largest id, so number
  // densely; 2^32 - 1 is reserved.
  Status Insert(std::uint32_t id, const Bits& bits);
  Status Build() { return {}; }
  std::size_t DiskBytes() const { return 0; }

  // False if `id` is not in the index.
  bool Erase(std::uint32_t id);

  // The closest within `max_distance`, the smallest id among equals. 0 <= max_distance <= 31.
  std::optional<Match> FindNearest(const Bits& bits, int max_distance, const std::function<bool(std::uint32_t)>& accept = nullptr) const;

  // All within `max_distance`, in order of id. 0 <= max_distance <= 31.
  std::vector<Match> FindAll(const Bits& bits, int max_distance) const;

  std::size_t size() const { return size_; }

  // Heap bytes in use: about 170 an entry at a million, 4 MiB when empty.
  std::size_t MemoryBytes() const;

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  static constexpr int kBands = 16;
  static constexpr int kProbes = 17;  // the value itself and each with one bit flipped
  static constexpr std::size_t kBuckets = 1u << 16;

  // One cache line of a bucket's list. Only the first line of a bucket may have free places; they
  // come last and hold kNone.
  struct alignas(64) Line {
    static constexpr std::size_t kPlaces = 10;
    std::uint32_t next = kNone;
    std::array<std::uint32_t, kPlaces> ids;
    std::array<std::uint16_t, kPlaces> partners;
  };

  // A place in one bucket's list during a search.
  struct Cursor {
    std::uint32_t line;
    std::uint16_t partner;  // of the fingerprint searched for
    std::uint16_t limit;    // bits the partner may differ by
  };
  using Cursors = std::array<Cursor, std::size_t{kBands} * kProbes>;

  // A vector that never moves its elements, so that growth costs no copy and no double memory.
  template <class T>
  class Pages {
   public:
    T& operator[](std::size_t i) { return pages_[i / kPage][i % kPage]; }
    const T& operator[](std::size_t i) const { return pages_[i / kPage][i % kPage]; }
    std::size_t size() const { return pages_.size() * kPage; }
    void GrowTo(std::size_t size) {
      while (this->size() < size) pages_.push_back(std::make_unique<T[]>(kPage));
    }

   private:
    static constexpr std::size_t kPage = 4096;
    std::vector<std::unique_ptr<T[]>> pages_;
  };

  std::uint32_t& Head(int band, std::uint16_t value) {
    return heads_[static_cast<std::size_t>(band) * kBuckets + value];
  }
  std::uint32_t AllocateLine();
  void AddPosting(int band, std::uint32_t id, const Bits& bits);
  void RemovePosting(int band, std::uint32_t id, const Bits& bits);
  // Cursors at the buckets that may hold a match; returns how many.
  std::size_t OpenLists(const Bits& bits, int max_distance, Cursors& cursors) const;
  void CollectCandidates(const Line& line, const Cursor& cursor,
                         std::vector<std::uint32_t>& candidates) const;
  // Ids that pass the partner test, some more than once. Holds every match.
  std::vector<std::uint32_t> Candidates(const Bits& bits, int max_distance) const;

  std::vector<std::uint32_t> heads_;  // band-major; first line of each bucket
  Pages<Line> lines_;
  std::uint32_t used_lines_ = 0;
  std::uint32_t free_line_ = kNone;  // list through Line::next
  Pages<Bits> bits_;                 // by id
  std::vector<bool> present_;        // by id
  std::size_t size_ = 0;
};

// 0..256.
int HammingDistance(const HammingIndex::Bits& a, const HammingIndex::Bits& b);

}  // namespace winnow::deduper
