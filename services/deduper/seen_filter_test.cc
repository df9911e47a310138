#include "services/deduper/seen_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace winnow::deduper {
namespace {

Sha256Digest Digest(int number) { return Sha256(std::to_string(number)); }

TEST(SeenFilterTest, HoldsNothingAtFirst) {
  EXPECT_FALSE(SeenFilter().MayHold(Digest(1)));
  EXPECT_EQ(SeenFilter().MemoryBytes(), 0u);
}

TEST(SeenFilterTest, NeverMissesWhatWasAdded) {
  SeenFilter filter;
  for (int i = 0; i < 200'000; ++i) {
    filter.Add(Digest(i));
    ASSERT_TRUE(filter.MayHold(Digest(i)));
  }
  for (int i = 0; i < 200'000; ++i) ASSERT_TRUE(filter.MayHold(Digest(i))) << i;
}

TEST(SeenFilterTest, RarelyTakesTheNewForSeen) {
  SeenFilter filter;
  int mistaken = 0;
  int next = 0;
  for (const int until : {30'000, 100'000, 200'000}) {
    for (; next < until; ++next) filter.Add(Digest(next));
    for (int i = 0; i < 20'000; ++i) mistaken += filter.MayHold(Digest(1'000'000 + i)) ? 1 : 0;
  }
  EXPECT_LT(mistaken, 3 * 20'000 * 3 / 100);
  EXPECT_LT(filter.MemoryBytes(), 200'000u * 6);
  EXPECT_GT(filter.MemoryBytes(), 200'000u * 2);
}

}  // namespace
}  // namespace winnow::deduper
