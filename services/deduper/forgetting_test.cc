#include "services/deduper/forgetting.h"

#include <gtest/gtest.h>

namespace winnow::deduper {
namespace {

Timestamp At(double seconds) {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

TEST(IsWithinTest, HoldsUpToTheLimitAndForAnyTimes) {
  EXPECT_TRUE(IsWithin(At(10), At(12), 2));
  EXPECT_TRUE(IsWithin(At(12), At(10), 2));
  EXPECT_FALSE(IsWithin(At(10), At(12.001), 2));
  EXPECT_FALSE(IsWithin(Timestamp::min(), Timestamp::max(), 3e9));
}

TEST(ForgettingTest, ForgetsNothingWithoutAWindow) {
  Forgetting forgetting(0);
  EXPECT_FALSE(forgetting.windowed());
  EXPECT_EQ(forgetting.PeriodOf(At(1e9)), 0);
  forgetting.Note(0);
  EXPECT_EQ(forgetting.OldestOver(), std::nullopt);
}

// Whatever moment of a period a record came in: never before a window has passed, always before
// 1 1/32.
TEST(ForgettingTest, RemembersForAWindowAndNotMuchLonger) {
  constexpr double kWindow = 6400;
  for (double ingested : {-100.0, 0.0, 0.001, 99.999, 100.0, 123.456}) {
    for (const double later : {0.0, 1.0, kWindow / 2, kWindow, kWindow * 33 / 32 + 0.1}) {
      Forgetting forgetting(kWindow);
      const std::int64_t period = forgetting.PeriodOf(At(ingested));
      forgetting.Note(period);
      forgetting.Note(forgetting.PeriodOf(At(ingested + later)));
      const bool over = period < forgetting.FirstRemembered();
      EXPECT_EQ(over, later > kWindow) << ingested << " + " << later;
      EXPECT_EQ(forgetting.OldestOver().has_value(), over);
    }
  }
}

TEST(ForgettingTest, TakesPeriodsOneByOne) {
  Forgetting forgetting(64);
  EXPECT_TRUE(forgetting.Note(1));
  EXPECT_FALSE(forgetting.Note(1));
  EXPECT_TRUE(forgetting.Note(2));
  EXPECT_TRUE(forgetting.Note(100));
  EXPECT_EQ(forgetting.OldestOver(), 1);
  forgetting.Drop(1);
  EXPECT_EQ(forgetting.OldestOver(), 2);
  forgetting.Drop(2);
  EXPECT_EQ(forgetting.OldestOver(), std::nullopt);
}

TEST(ForgettingTest, TakesTheEndsOfTime) {
  Forgetting forgetting(1);
  forgetting.Note(forgetting.PeriodOf(Timestamp::min()));
  EXPECT_EQ(forgetting.OldestOver(), std::nullopt);
  forgetting.Note(forgetting.PeriodOf(Timestamp::max()));
  EXPECT_EQ(forgetting.OldestOver(), forgetting.PeriodOf(Timestamp::min()));
}

}  // namespace
}  // namespace winnow::deduper
