// The inner loops of the index of fingerprints, each in three kinds: portable, AVX2 and AVX-512.
// All kinds give the same results.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace winnow::deduper {

// __builtin_prefetch that stays: gcc 12 takes a loop of nothing but prefetches for one without
// effect and drops it.
inline void Fetch(const void* address) {
  __builtin_prefetch(address);
  asm volatile("" : : "r"(address));
}

// A stretch of entries to compare with one value: `lanes` holds a part of each entry's fingerprint.
// 64 bytes after the last lane must be readable.
template <class Lane>
struct ScanRange {
  const Lane* lanes = nullptr;
  std::uint32_t count = 0;
  std::uint32_t first = 0;   // of lanes[0]: its index where it comes from
  std::uint32_t origin = 0;  // names that place to whoever made the range
  Lane value = 0;
  std::uint16_t limit = 0;  // bits a lane may differ by
};

// Ranges to scan, without the empty ones. On the stack: a search allocates nothing.
template <class Lane, std::size_t kRoom>
struct ScanList {
  static constexpr std::size_t kFetched = 512;
  std::size_t count = 0;
  std::array<ScanRange<Lane>, kRoom> ranges;

  // Of the first lanes; a long range is noticed by the processor's own prefetcher. Most ranges are
  // shorter than a cache line and lie on two.
  static void Fetch(const ScanRange<Lane>& range) {
    const char* const lanes = reinterpret_cast<const char*>(range.lanes);
    const std::size_t bytes = std::min<std::size_t>(range.count * sizeof(Lane), kFetched);
    for (std::size_t i = 0; i < bytes; i += 64) deduper::Fetch(lanes + i);
    deduper::Fetch(lanes + (bytes > 0 ? bytes - 1 : 0));
  }

  void Add(const ScanRange<Lane>& range) {
    ranges[count] = range;
    count += range.count > 0 ? 1 : 0;
  }
};

// Which lanes were near enough.
struct ScanHits {
  static constexpr std::size_t kRoom = 2048;
  static constexpr std::size_t kBlock = 32;  // room a scan needs to go on

  struct Hit {
    std::uint32_t origin;
    std::uint32_t index;
    friend bool operator==(const Hit&, const Hit&) = default;
  };

  std::size_t count = 0;
  std::array<Hit, kRoom> hits;

  bool HasRoom() const { return count + kBlock <= kRoom; }
  void Add(std::uint32_t origin, std::uint32_t index) { hits[count++] = {origin, index}; }
};

// The first range that is not done because the hits are full, `end` if there is none. What is done
// is cut off the ranges: empty the hits and call again from there.
template <class Lane>
using ScanFunction = ScanRange<Lane>* (*)(ScanRange<Lane>* begin, ScanRange<Lane>* end,
                                          ScanHits& hits);

// Bits in which the fingerprints `base[4 * ids[i]]`, four words each, differ from `query`.
using DistanceFunction = void (*)(const std::uint64_t* base, const std::uint32_t* ids,
                                  std::size_t count, const std::uint64_t* query,
                                  std::uint16_t* distances);

enum class ScanKind { kPortable, kAvx2, kAvx512 };

struct BitScan {
  ScanKind kind;
  const char* name;
  ScanFunction<std::uint16_t> scan16;
  ScanFunction<std::uint32_t> scan32;
  DistanceFunction distances;
};

// nullptr if this processor cannot run it.
const BitScan* FindBitScan(ScanKind kind);
// The fastest this processor can run.
const BitScan& BestBitScan();

}  // namespace winnow::deduper
