#include "libs/spec/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace winnow::spec {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(EditDistanceTest, CountsInsertionDeletionReplacementAndSwap) {
  EXPECT_EQ(EditDistance("car", "car"), 0);
  EXPECT_EQ(EditDistance("car", "cars"), 1);
  EXPECT_EQ(EditDistance("cars", "car"), 1);
  EXPECT_EQ(EditDistance("car", "cat"), 1);
  EXPECT_EQ(EditDistance("cra", "car"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("", "abc"), 3);
}

TEST(EditDistanceTest, TakesCapitalsAsEqual) { EXPECT_EQ(EditDistance("DARK", "dark"), 0); }

TEST(EditDistanceTest, LooksAtABoundedPartOfLongText) {
  EXPECT_EQ(EditDistance(std::string(1'000'000, 'a'), ""), 64);
}

TEST(NearestTest, FindsTheMistypedWord) {
  EXPECT_THAT(Nearest("drak", {"dim", "dark", "bright"}), Optional(Eq("dark")));
  EXPECT_THAT(Nearest("lightning", {"class", "lighting"}), Optional(Eq("lighting")));
}

TEST(NearestTest, CompletesAnAbbreviationThatFitsOneWordOnly) {
  EXPECT_THAT(Nearest("parent", {"none", "parent_directory"}), Optional(Eq("parent_directory")));
  EXPECT_EQ(Nearest("min", {"min_brightness", "min_sharpness"}), std::nullopt);
}

TEST(NearestTest, GivesNoFarFetchedHint) {
  EXPECT_EQ(Nearest("elephant", {"car", "bus"}), std::nullopt);
  EXPECT_EQ(Nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace winnow::spec
