#include "services/balancer/reserve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace winnow::balancer {
namespace {

spec::CollectionSpec Spec() {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", {{"a", 0.5}, {"b", 0.5}}, 0}};
  spec.balance.warmup = 0;
  return spec;
}

Held Image(std::uint64_t sequence, std::uint32_t rank, const Places& places,
           bool quota_reached = false) {
  return {sequence, rank, quota_reached, 10, places};
}

TEST(ReserveTest, ReleasesTheBestOfWhatHasRoom) {
  Census census(Spec());
  const Places a = census.Locate({{"a"}});
  const Places b = census.Locate({{"b"}});
  Reserve reserve;
  reserve.Add(Image(1, 500, a));
  reserve.Add(Image(2, 900, b));
  reserve.Add(Image(3, 700, a));
  reserve.Add(Image(4, 700, a));
  EXPECT_EQ(reserve.BestAdmissible(census), 2u);
  census.Admit(b);
  EXPECT_EQ(reserve.BestAdmissible(census), 3u) << "b is over its share; the earlier of two equals";
  reserve.Remove(3);
  EXPECT_EQ(reserve.BestAdmissible(census), 4u);
  census.Admit(a);
  census.Admit(a);
  EXPECT_EQ(reserve.BestAdmissible(census), 2u);
}

TEST(ReserveTest, PutsWhatIsNeededMostBeforeWhatIsBest) {
  Census census(Spec());
  const Places a = census.Locate({{"a"}});
  const Places b = census.Locate({{"b"}});
  for (int i = 0; i < 8; ++i) census.Admit(i < 5 ? a : b);
  Reserve reserve;
  reserve.Add(Image(1, 900, census.Locate({{"a", "b"}})));
  reserve.Add(Image(2, 100, b));
  EXPECT_EQ(reserve.BestAdmissible(census), 1u) << "equal need: the better";
  census.Restore("class", "c", 0, 2);
  reserve.Add(Image(3, 50, census.Locate({{"c"}})));
  EXPECT_EQ(reserve.BestAdmissible(census), 1u) << "targets leave nothing for c";
  reserve.Remove(1);
  reserve.Add(Image(4, 900, a));
  EXPECT_EQ(reserve.BestAdmissible(census), 2u) << "a has no room";
}

TEST(ReserveTest, GivesUpQuotaThenQualityThenTheLatest) {
  Census census(Spec());
  const Places a = census.Locate({{"a"}});
  Reserve reserve;
  reserve.Add(Image(1, 100, a));
  reserve.Add(Image(2, 900, a, true));
  reserve.Add(Image(3, 100, a));
  reserve.Add(Image(4, 200, a));
  for (const std::uint64_t expected : {2, 3, 1, 4}) {
    ASSERT_EQ(reserve.Worst(), expected);
    reserve.Remove(expected);
  }
  EXPECT_FALSE(reserve.Worst());
  EXPECT_FALSE(reserve.BestAdmissible(census));
  EXPECT_EQ(reserve.bytes(), 0u);
}

TEST(ReserveTest, AgreesWithASortedListUnderRandomUse) {
  std::mt19937_64 random(7);
  Census census{spec::CollectionSpec()};
  Reserve reserve;
  std::vector<Held> list;
  for (std::uint64_t step = 0; step < 3000; ++step) {
    if (list.empty() || random() % 3 != 0) {
      const Places places = {{static_cast<std::uint32_t>(random() % 4)}};
      list.push_back(Image(step, static_cast<std::uint32_t>(random() % 5), places));
      reserve.Add(list.back());
    } else {
      const auto victim = list.begin() + static_cast<long>(random() % list.size());
      reserve.Remove(victim->sequence);
      list.erase(victim);
    }
    const auto best = std::min_element(list.begin(), list.end(), [](const Held& x, const Held& y) {
      return x.rank != y.rank ? x.rank > y.rank : x.sequence < y.sequence;
    });
    const auto worst = std::min_element(list.begin(), list.end(), [](const Held& x, const Held& y) {
      return x.rank != y.rank ? x.rank < y.rank : x.sequence > y.sequence;
    });
    ASSERT_EQ(reserve.images(), list.size());
    if (list.empty()) continue;
    ASSERT_EQ(reserve.BestAdmissible(census), best->sequence);  // no axes: all have room
    ASSERT_EQ(reserve.Worst(), worst->sequence);
  }
}

}  // namespace
}  // namespace winnow::balancer
