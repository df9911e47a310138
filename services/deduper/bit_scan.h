// The inner loops of the index of fingerprints, each in three kinds: portable, AVX2 and AVX-512.
// All kinds give the same results.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace winnow::deduper {

// A stretch of entries to compare with one value: `lanes` holds a part of each entry's fingerprint,
// `ids` its id at the same place. 64 bytes after the last lane must be readable.
template <class Lane>
struct ScanRange {
  const Lane* lanes = nullptr;
  const std::uint32_t* ids = nullptr;
  std::uint32_t count = 0;
  Lane value = 0;
  std::uint16_t limit = 0;  // bits a lane may differ by
};

// Ranges to scan, without the empty ones. On the stack: a search allocates nothing.
template <class Lane, std::size_t kRoom>
struct ScanList {
  static constexpr std::size_t kFetched = 512;
  std::size_t count = 0;
  std::array<ScanRange<Lane>, kRoom> ranges;

  // Fetches the first lanes; a long range is noticed by the processor's own prefetcher. Most ranges
  // are shorter than a cache line and lie on two.
  void Add(const ScanRange<Lane>& range) {
    const char* const lanes = reinterpret_cast<const char*>(range.lanes);
    const std::size_t bytes = std::min<std::size_t>(range.count * sizeof(Lane), kFetched);
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(lanes + i);
    __builtin_prefetch(lanes + (bytes > 0 ? bytes - 1 : 0));
    ranges[count] = range;
    count += range.count > 0 ? 1 : 0;
  }
};

// Where the ids are whose lanes were near enough; prefetched, not read yet.
struct ScanHits {
  static constexpr std::size_t kRoom = 2048;
  static constexpr std::size_t kBlock = 32;  // room a scan needs to go on

  std::size_t count = 0;
  std::array<const std::uint32_t*, kRoom> ids;

  bool HasRoom() const { return count + kBlock <= kRoom; }
  void Add(const std::uint32_t* id) {
    __builtin_prefetch(id);
    ids[count++] = id;
  }
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
