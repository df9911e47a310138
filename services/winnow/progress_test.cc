#include "services/winnow/progress.h"

#include <gtest/gtest.h>

namespace winnow::cli {
namespace {

TEST(ProgressTest, WritesNumbersForPeople) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(AsClock(0), "0:00");
  EXPECT_EQ(AsClock(103.4), "1:43");
  EXPECT_EQ(AsClock(7389), "2:03:09");
}

TEST(ProgressTest, TellsRateAndTimeLeftOfThisRun) {
  ProgressState state;
  state.done = 1204;
  state.fresh = 850;
  state.total = 10'000;
  state.seconds = 10;
  state.stored = 900;
  state.rejected = 220;
  state.deferred = 84;
  EXPECT_EQ(FormatProgress(state),
            "1,204 of 10,000 images  12 %  85/s  1:43 left  stored 900  rejected 220  deferred 84  "
            "review 0");
}

TEST(ProgressTest, DoesWithoutATotal) {
  EXPECT_EQ(FormatProgress({}), "0 images  0/s  stored 0  rejected 0  deferred 0  review 0");
}

}  // namespace
}  // namespace winnow::cli
