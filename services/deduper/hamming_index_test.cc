#include "services/deduper/hamming_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/deduper/hamming_index_testing.h"

namespace winnow::deduper {
namespace {

using testing::IsEmpty;

// `distance` bits spread so that no band gets more than another by two: the hardest for bands.
Bits SpreadEvenly(Bits bits, int distance) {
  for (int i = 0; i < distance; ++i) bits = Flipped(bits, 16 * (i % 16) + i / 16);
  return bits;
}

TEST(HammingDistanceTest, CountsDifferingBits) {
  EXPECT_EQ(HammingDistance({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
  EXPECT_EQ(HammingDistance({1, 0, 0, 1ull << 63}, {0, 2, 0, 0}), 3);
  EXPECT_EQ(HammingDistance({~0ull, ~0ull, ~0ull, ~0ull}, {}), 256);
}

// What every kind of index must find.
class HammingIndexRecallTest : public testing::TestWithParam<IndexKind> {
 protected:
  void SetUp() override {
    if (FindBitScan(GetParam().scan) == nullptr) GTEST_SKIP() << "this processor cannot";
  }
  HammingIndex IndexOf(const Entries& entries) const { return GetParam().Build(entries); }
};

INSTANTIATE_TEST_SUITE_P(Kinds, HammingIndexRecallTest, testing::ValuesIn(AllIndexKinds()),
                         [](const auto& kind) { return kind.param.Name(); });

TEST_P(HammingIndexRecallTest, AgreesWithBruteForceAtEveryDistance) {
  Random random(1);
  const Entries entries = ClusteredEntries(random, 20, 30);
  const HammingIndex index = IndexOf(entries);
  EXPECT_EQ(index.size(), entries.size());
  for (int i = 0; i < 15; ++i) {
    const auto entry = entries.find(static_cast<std::uint32_t>(random() % entries.size()));
    ExpectAgreesAtEveryDistance(
        index, entries, AtDistance(entry->second, static_cast<int>(random() % 40), random));
  }
}

TEST_P(HammingIndexRecallTest, FindsErrorsSpreadEvenlyOverTheBands) {
  Random random(2);
  const Bits query = RandomBits(random);
  Entries entries;
  for (int d = 0; d <= HammingIndex::kMaxDistance + 1; ++d) {
    entries[static_cast<std::uint32_t>(d)] = SpreadEvenly(query, d);
  }
  ExpectAgreesAtEveryDistance(IndexOf(entries), entries, query);
}

// Each word gets every split of its errors between its halves; the other words are filled up to 31.
TEST_P(HammingIndexRecallTest, FindsEverySplitOfErrorsBetweenPartners) {
  const Bits query{};
  Entries entries;
  for (int word = 0; word < 8; ++word) {
    for (int left = 0; left <= 3; ++left) {
      Bits bits = query;
      for (int i = 0; i < 3; ++i) bits = Flipped(bits, 32 * word + (i < left ? i : 16 + i));
      for (int i = 0; i < 28; ++i) {
        const int other = (word + 1 + i % 7) % 8;
        bits = Flipped(bits, 32 * other + i / 7 + (i / 7 % 2 == 0 ? 0 : 16));
      }
      ASSERT_EQ(HammingDistance(query, bits), 31);
      entries[static_cast<std::uint32_t>(4 * word + left)] = bits;
    }
  }
  // Each can be found by one word only: the others have four errors.
  EXPECT_EQ(IndexOf(entries).FindAll(query, 31), BruteForce(entries, query));
}

TEST_P(HammingIndexRecallTest, FindsErrorsThatAllFallIntoOneBand) {
  Random random(3);
  const Bits query = RandomBits(random);
  Entries entries;
  for (int band = 0; band < 16; ++band) {
    Bits bits = query;
    for (int bit = 0; bit < 16; ++bit) bits = Flipped(bits, 16 * band + bit);
    entries[static_cast<std::uint32_t>(band)] = bits;
  }
  ExpectAgreesAtEveryDistance(IndexOf(entries), entries, query);
}

TEST_P(HammingIndexRecallTest, HoldsManyFingerprintsThatShareBands) {
  Random random(4);
  const Bits centre = RandomBits(random);
  Entries entries;
  for (std::uint32_t id = 0; id < 400; ++id) {
    // Equal in all bands but two: long lists in fourteen of them.
    Bits bits = centre;
    bits[0] = (bits[0] & ~0xffff'ffffull) | (random() & 0xffff'ffffull);
    entries[id] = id % 3 == 0 ? centre : bits;
  }
  ExpectAgreesAtEveryDistance(IndexOf(entries), entries, centre);
}

// Black pictures. Each is met sixteen times: more hits than a search holds at a time.
TEST_P(HammingIndexRecallTest, HoldsManyFingerprintsOfOnlyZeros) {
  Entries entries;
  for (std::uint32_t id = 0; id < 400; ++id) entries[id] = Bits{};
  const HammingIndex index = IndexOf(entries);
  ExpectAgreesAtEveryDistance(index, entries, Bits{});
  ExpectAgreesAtEveryDistance(index, entries, SpreadEvenly(Bits{}, 31));
  EXPECT_THAT(index.FindAll(SpreadEvenly(Bits{}, 32), 31), IsEmpty());
}

TEST_P(HammingIndexRecallTest, ForgetsWhatIsErased) {
  Random random(5);
  Entries entries = ClusteredEntries(random, 8, 50);
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
  for (std::uint32_t id = 0; id < all.size(); id += 23) {
    ExpectAgreesAtEveryDistance(index, entries, all.at(id));
  }
}

TEST_P(HammingIndexRecallTest, PrefersTheSmallestIdAmongEquallyNear) {
  Random random(6);
  const Bits query = RandomBits(random);
  const Entries entries = {
      {4, Flipped(query, 3)}, {6, Flipped(query, 90)}, {9, Flipped(query, 200)}};
  EXPECT_EQ(IndexOf(entries).FindNearest(query, 31), (Match{4, 1}));
}

// A caller's answer may cost a look-up: what is within the distance is asked about once, nearest
// first, and nothing else at all.
TEST_P(HammingIndexRecallTest, AsksAboutEachMatchOnceNearestFirst) {
  Random random(7);
  const Entries entries = ClusteredEntries(random, 4, 60);
  const HammingIndex index = IndexOf(entries);
  for (int i = 0; i < 10; ++i) {
    const Bits query = entries.at(static_cast<std::uint32_t>(random() % entries.size()));
    std::vector<Match> expected = BruteForce(entries, query);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Match& a, const Match& b) { return a.distance < b.distance; });
    std::vector<std::uint32_t> asked;
    const auto refuse = [&](std::uint32_t id) {
      asked.push_back(id);
      return false;
    };
    EXPECT_FALSE(index.FindNearest(query, 31, refuse));
    std::vector<std::uint32_t> expected_ids;
    for (const Match& match : expected) expected_ids.push_back(match.id);
    EXPECT_EQ(asked, expected_ids);
  }
}

TEST_P(HammingIndexRecallTest, FindsTheNearestThatCounts) {
  Random random(8);
  const Entries entries = ClusteredEntries(random, 4, 60);
  const HammingIndex index = IndexOf(entries);
  const auto counts = [](std::uint32_t id) { return id % 7 == 3; };
  Entries counting;
  for (const auto& [id, bits] : entries) {
    if (counts(id)) counting[id] = bits;
  }
  for (const auto& [id, query] : entries) {
    for (const int d : {5, 15, 16, 31}) {
      EXPECT_EQ(index.FindNearest(query, d, counts), Nearest(Within(BruteForce(counting, query), d)));
    }
  }
}

TEST_P(HammingIndexRecallTest, FindsNothingWhenEmptyAndRejectsUnknownErasures) {
  HammingIndex index = IndexOf({});
  EXPECT_FALSE(index.FindNearest({}, 31));
  EXPECT_THAT(index.FindAll({}, 31), IsEmpty());
  EXPECT_FALSE(index.Erase(0));
  EXPECT_FALSE(index.Erase(4'000'000'000));
}

// A collection reopened after years: its first id is far from zero.
TEST_P(HammingIndexRecallTest, TakesIdsFromAnywhereWithoutMemoryForThoseBefore) {
  Random random(9);
  Entries entries;
  for (std::uint32_t i = 0; i < 100; ++i) entries[3'900'000'000 + i] = RandomBits(random);
  const HammingIndex index = IndexOf(entries);
  const std::size_t fronts = GetParam().fronts ? 16 * LaneTable::kFrontBytes : 0;
  EXPECT_LT(index.MemoryBytes() + index.DiskBytes(), (24u << 20) + fronts);
  for (const auto& [id, bits] : entries) EXPECT_EQ(index.FindNearest(bits, 31), (Match{id, 0}));
}

TEST(HammingIndexDeathTest, RefusesDistancesItCannotSearchExactly) {
  EXPECT_DEATH((void)HammingIndex().FindAll({}, 32), "max_distance");
  EXPECT_DEATH((void)HammingIndex().FindNearest({}, -1), "max_distance");
}

TEST(HammingIndexDeathTest, RefusesAnIdThatIsTaken) {
  HammingIndex index;
  ASSERT_TRUE(index.Insert(3, {}));
  EXPECT_DEATH((void)index.Insert(3, {}), "Contains");
}

TEST(HammingIndexDeathTest, RefusesASearchBetweenAppendAndBuild) {
  HammingIndex index;
  ASSERT_TRUE(index.Append(3, {}));
  EXPECT_DEATH((void)index.FindNearest({}, 31), "pending");
}

}  // namespace
}  // namespace winnow::deduper
