// Fingerprints at chosen distances, the kinds of index there are, and brute force to hold them
// against. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "services/deduper/hamming_index.h"

namespace winnow::deduper {

using Bits = HammingIndex::Bits;
using Match = HammingIndex::Match;
using Entries = std::map<std::uint32_t, Bits>;
using Random = std::mt19937_64;

inline Bits RandomBits(Random& random) { return {random(), random(), random(), random()}; }

inline Bits Flipped(Bits bits, int position) {
  bits[static_cast<std::size_t>(position / 64)] ^= 1ull << (position % 64);
  return bits;
}

inline Bits AtDistance(const Bits& bits, int distance, Random& random) {
  Bits moved = bits;
  while (HammingDistance(bits, moved) < distance) {
    const Bits next = Flipped(moved, static_cast<int>(random() % 256));
    if (HammingDistance(bits, next) > HammingDistance(bits, moved)) moved = next;
  }
  return moved;
}

// Around a few centres, so that every distance up to 40 occurs.
inline Entries ClusteredEntries(Random& random, int centres, int each) {
  Entries entries;
  for (int c = 0; c < centres; ++c) {
    const Bits centre = RandomBits(random);
    for (int i = 0; i < each; ++i) {
      entries[static_cast<std::uint32_t>(entries.size())] =
          AtDistance(centre, static_cast<int>(random() % 41), random);
    }
  }
  return entries;
}

// All within 31 bits, by id.
inline std::vector<Match> BruteForce(const Entries& entries, const Bits& bits) {
  std::vector<Match> matches;
  for (const auto& [id, entry] : entries) {
    const int distance = HammingDistance(entry, bits);
    if (distance <= HammingIndex::kMaxDistance) matches.push_back({id, distance});
  }
  return matches;
}

inline std::vector<Match> Within(std::vector<Match> matches, int max_distance) {
  matches.erase(std::remove_if(matches.begin(), matches.end(),
                               [&](const Match& match) { return match.distance > max_distance; }),
                matches.end());
  return matches;
}

inline std::optional<Match> Nearest(const std::vector<Match>& matches) {
  std::optional<Match> nearest;
  for (const Match& match : matches) {
    if (!nearest || match.distance < nearest->distance) nearest = match;
  }
  return nearest;
}

inline void ExpectAgreesAtEveryDistance(const HammingIndex& index, const Entries& entries,
                                        const Bits& query) {
  const std::vector<Match> all = BruteForce(entries, query);
  for (int d = 0; d <= HammingIndex::kMaxDistance; ++d) {
    const std::vector<Match> expected = Within(all, d);
    ASSERT_EQ(index.FindAll(query, d), expected) << "distance " << d;
    ASSERT_EQ(index.FindNearest(query, d), Nearest(expected)) << "distance " << d;
  }
}

inline std::string TemporaryDirectory() { return std::filesystem::temp_directory_path(); }

// How an index is kept and filled: the results must not depend on it.
struct IndexKind {
  enum class Memory { kAll, kSome, kNone };
  enum class Filling { kInserted, kLoaded, kHalfLoaded };

  ScanKind scan = BestBitScan().kind;
  Memory memory = Memory::kAll;
  Filling filling = Filling::kInserted;
  std::size_t fewest_recent = 16384;
  bool fronts = false;  // from the first few entries on, and without once most are erased

  HammingIndex::Options Options() const {
    HammingIndex::Options options;
    options.scan = FindBitScan(scan);
    options.fewest_recent = fewest_recent;
    if (fronts) options.fewest_for_fronts = 50;
    if (memory == Memory::kAll) return options;
    // Some: the ids are in files soon, the rest later or never.
    options.memory_bytes = memory == Memory::kNone ? 0 : 8u << 20;
    options.spill_directory = TemporaryDirectory();
    return options;
  }

  HammingIndex Build(const Entries& entries) const {
    HammingIndex index = HammingIndex::Create(Options()).value();
    const std::size_t loaded = filling == Filling::kInserted ? 0
                               : filling == Filling::kLoaded ? entries.size()
                                                             : entries.size() / 2;
    std::size_t done = 0;
    for (const auto& [id, bits] : entries) {
      EXPECT_TRUE(done < loaded ? index.Append(id, bits) : index.Insert(id, bits));
      if (++done == loaded) {
        EXPECT_TRUE(index.Build());
      }
    }
    return index;
  }

  std::string Name() const {
    static const char* const kScans[] = {"Portable", "Avx2", "Avx512"};
    static const char* const kMemories[] = {"InMemory", "PartlyOnDisk", "OnDisk"};
    static const char* const kFillings[] = {"Inserted", "Loaded", "HalfLoaded"};
    return std::string(kScans[static_cast<int>(scan)]) + kMemories[static_cast<int>(memory)] +
           kFillings[static_cast<int>(filling)] + "Recent" + std::to_string(fewest_recent) +
           (fronts ? "Fronts" : "");
  }
};

// Every scan with every stage of merging, every memory with every filling, and both with fronts.
inline std::vector<IndexKind> AllIndexKinds() {
  using Memory = IndexKind::Memory;
  using Filling = IndexKind::Filling;
  std::vector<IndexKind> kinds;
  for (const ScanKind scan : {ScanKind::kPortable, ScanKind::kAvx2, ScanKind::kAvx512}) {
    for (const std::size_t recent : {1u, 100u, 16384u}) {
      kinds.push_back({scan, Memory::kAll, Filling::kInserted, recent});
    }
    kinds.push_back({scan, Memory::kAll, Filling::kInserted, 1, true});
  }
  for (const Memory memory : {Memory::kAll, Memory::kSome, Memory::kNone}) {
    for (const Filling filling : {Filling::kInserted, Filling::kLoaded, Filling::kHalfLoaded}) {
      kinds.push_back({BestBitScan().kind, memory, filling, 200});
    }
  }
  for (const Filling filling : {Filling::kInserted, Filling::kLoaded, Filling::kHalfLoaded}) {
    kinds.push_back({BestBitScan().kind, Memory::kAll, filling, 200, true});
  }
  return kinds;
}

}  // namespace winnow::deduper
