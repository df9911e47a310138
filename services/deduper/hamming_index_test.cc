#include "services/deduper/hamming_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace winnow::deduper {
namespace {

using Bits = HammingIndex::Bits;
using Match = HammingIndex::Match;
using Entries = std::map<std::uint32_t, Bits>;
using Random = std::mt19937_64;

Bits RandomBits(Random& random) { return {random(), random(), random(), random()}; }

Bits Flipped(Bits bits, int position) {
  bits[static_cast<std::size_t>(position / 64)] ^= 1ull << (position % 64);
  return bits;
}

Bits AtDistance(const Bits& bits, int distance, Random& random) {
  Bits moved = bits;
  while (HammingDistance(bits, moved) < distance) {
    const Bits next = Flipped(moved, static_cast<int>(random() % 256));
    if (HammingDistance(bits, next) > HammingDistance(bits, moved)) moved = next;
  }
  return moved;
}

// `distance` bits spread so that no band gets more than another by two: the hardest for bands.
Bits SpreadEvenly(Bits bits, int distance) {
  for (int i = 0; i < distance; ++i) bits = Flipped(bits, 16 * (i % 16) + i / 16);
  return bits;
}

HammingIndex IndexOf(const Entries& entries) {
  HammingIndex index;
  for (const auto& [id, bits] : entries) (void)index.Insert(id, bits);
  return index;
}

std::vector<Match> BruteForce(const Entries& entries, const Bits& bits, int max_distance) {
  std::vector<Match> matches;
  for (const auto& [id, entry] : entries) {
    const int distance = HammingDistance(entry, bits);
    if (distance <= max_distance) matches.push_back({id, distance});
  }
  return matches;
}

std::optional<Match> Nearest(const std::vector<Match>& matches) {
  std::optional<Match> nearest;
  for (const Match& match : matches) {
    if (!nearest || match.distance < nearest->distance) nearest = match;
  }
  return nearest;
}

void ExpectAgreesAtEveryDistance(const HammingIndex& index, const Entries& entries,
                                 const Bits& query) {
  for (int d = 0; d <= HammingIndex::kMaxDistance; ++d) {
    const std::vector<Match> expected = BruteForce(entries, query, d);
    ASSERT_EQ(index.FindAll(query, d), expected) << "distance " << d;
    ASSERT_EQ(index.FindNearest(query, d), Nearest(expected)) << "distance " << d;
  }
}

// Clusters around a few centres, so that every distance up to 40 occurs.
Entries ClusteredEntries(Random& random, int centres, int each) {
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

TEST(HammingDistanceTest, CountsDifferingBits) {
  EXPECT_EQ(HammingDistance({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
  EXPECT_EQ(HammingDistance({1, 0, 0, 1ull << 63}, {0, 2, 0, 0}), 3);
  EXPECT_EQ(HammingDistance({~0ull, ~0ull, ~0ull, ~0ull}, {}), 256);
}

TEST(HammingIndexTest, AgreesWithBruteForceAtEveryDistance) {
  Random random(1);
  const Entries entries = ClusteredEntries(random, 40, 30);
  const HammingIndex index = IndexOf(entries);
  EXPECT_EQ(index.size(), entries.size());
  for (int i = 0; i < 60; ++i) {
    const auto entry = entries.find(static_cast<std::uint32_t>(random() % entries.size()));
    ExpectAgreesAtEveryDistance(
        index, entries, AtDistance(entry->second, static_cast<int>(random() % 40), random));
  }
}

TEST(HammingIndexTest, FindsErrorsSpreadEvenlyOverTheBands) {
  Random random(2);
  for (int d = 0; d <= HammingIndex::kMaxDistance + 1; ++d) {
    const Bits query = RandomBits(random);
    const Entries entries = {{0, SpreadEvenly(query, d)}};
    ExpectAgreesAtEveryDistance(IndexOf(entries), entries, query);
  }
}

// Each pair of bands gets every split of its errors; the other pairs are filled up to 31.
TEST(HammingIndexTest, FindsEverySplitOfErrorsBetweenPartners) {
  const Bits query{};
  for (int pair = 0; pair < 8; ++pair) {
    for (int left = 0; left <= 3; ++left) {
      Bits bits = query;
      for (int i = 0; i < 3; ++i) bits = Flipped(bits, 32 * pair + (i < left ? i : 16 + i));
      for (int i = 0; i < 28; ++i) {
        const int other = (pair + 1 + i % 7) % 8;
        bits = Flipped(bits, 32 * other + i / 7 + (i / 7 % 2 == 0 ? 0 : 16));
      }
      ASSERT_EQ(HammingDistance(query, bits), 31);
      EXPECT_THAT(IndexOf({{7, bits}}).FindAll(query, 31), testing::ElementsAre(Match{7, 31}))
          << "pair " << pair << ", " << left << " errors in its first band";
    }
  }
}

TEST(HammingIndexTest, HoldsManyFingerprintsThatShareBands) {
  Random random(3);
  const Bits centre = RandomBits(random);
  Entries entries;
  for (std::uint32_t id = 0; id < 600; ++id) {
    // Equal in all bands but two: long lists in fourteen buckets.
    Bits bits = centre;
    bits[0] = (bits[0] & ~0xffff'ffffull) | (random() & 0xffff'ffffull);
    entries[id] = id % 3 == 0 ? centre : bits;
  }
  ExpectAgreesAtEveryDistance(IndexOf(entries), entries, centre);
}

TEST(HammingIndexTest, PrefersTheSmallestIdAmongEquallyNear) {
  Random random(4);
  const Bits query = RandomBits(random);
  const Entries entries = {
      {9, Flipped(query, 200)}, {4, Flipped(query, 3)}, {6, Flipped(query, 90)}};
  EXPECT_EQ(IndexOf(entries).FindNearest(query, 31), (Match{4, 1}));
}

TEST(HammingIndexTest, ForgetsWhatIsErased) {
  Random random(5);
  Entries entries = ClusteredEntries(random, 10, 50);
  HammingIndex index = IndexOf(entries);
  const Entries all = entries;
  while (entries.size() > 20) {
    const auto victim = std::next(entries.begin(), static_cast<long>(random() % entries.size()));
    EXPECT_TRUE(index.Erase(victim->first));
    EXPECT_FALSE(index.Erase(victim->first));
    entries.erase(victim);
    if (entries.size() % 80 == 0) ExpectAgreesAtEveryDistance(index, entries, all.at(0));
  }
  EXPECT_EQ(index.size(), entries.size());
  for (std::uint32_t id = 0; id < all.size(); id += 7) {
    ExpectAgreesAtEveryDistance(index, entries, all.at(id));
  }
}

TEST(HammingIndexTest, ReusesTheRoomOfErasedEntries) {
  Random random(6);
  const Entries entries = ClusteredEntries(random, 20, 20);
  HammingIndex index = IndexOf(entries);
  const std::size_t before = index.MemoryBytes();
  for (int round = 0; round < 30; ++round) {
    for (const auto& [id, bits] : entries) index.Erase(id);
    EXPECT_EQ(index.size(), 0u);
    for (const auto& [id, bits] : entries) (void)index.Insert(id, bits);
  }
  EXPECT_EQ(index.MemoryBytes(), before);
  ExpectAgreesAtEveryDistance(index, entries, entries.at(3));
}

TEST(HammingIndexTest, FindsNothingWhenEmptyAndRejectsUnknownErasures) {
  HammingIndex index;
  EXPECT_FALSE(index.FindNearest({}, 31));
  EXPECT_THAT(index.FindAll({}, 31), testing::IsEmpty());
  EXPECT_FALSE(index.Erase(0));
}

TEST(HammingIndexDeathTest, RefusesDistancesItCannotSearchExactly) {
  EXPECT_DEATH((void)HammingIndex().FindAll({}, 32), "max_distance");
  EXPECT_DEATH((void)HammingIndex().FindNearest({}, -1), "max_distance");
}

}  // namespace
}  // namespace winnow::deduper
