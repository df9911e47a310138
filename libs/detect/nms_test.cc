#include "libs/detect/nms.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace winnow::detect {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

auto Scored(double score) { return Field(&Detection::score, DoubleEq(score)); }

TEST(IntersectionOverUnionTest, IsOneForEqualBoxesAndZeroForSeparateOnes) {
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({1, 2, 3, 4}, {1, 2, 3, 4}), 1);
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({0, 0, 2, 2}, {2, 0, 2, 2}), 0);
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

TEST(IntersectionOverUnionTest, CountsTheSharedPartOnce) {
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({0, 0, 2, 2}, {1, 0, 2, 2}), 2.0 / 6);
}

TEST(SuppressTest, KeepsTheBestOfOverlappingBoxes) {
  EXPECT_THAT(Suppress({{{0, 0, 10, 10}, 0.5}, {{1, 1, 10, 10}, 0.9}, {{2, 2, 10, 10}, 0.7}}, 0.3),
              ElementsAre(Scored(0.9)));
}

TEST(SuppressTest, KeepsSeparateBoxesBestFirst) {
  EXPECT_THAT(Suppress({{{0, 0, 10, 10}, 0.5}, {{50, 0, 10, 10}, 0.9}}, 0.3),
              ElementsAre(Scored(0.9), Scored(0.5)));
}

TEST(SuppressTest, DoesNotLetASuppressedBoxSuppress) {
  // The middle box goes because of the left one; the right one overlaps only the middle.
  EXPECT_THAT(Suppress({{{0, 0, 10, 10}, 0.9}, {{5, 0, 10, 10}, 0.8}, {{10, 0, 10, 10}, 0.7}}, 0.3),
              ElementsAre(Scored(0.9), Scored(0.7)));
}

TEST(SuppressTest, GivesTheSameWhateverTheOrderOfTheInput) {
  std::vector<Detection> given = {
      {{0, 0, 10, 10}, 0.5}, {{3, 0, 10, 10}, 0.5}, {{9, 9, 8, 8}, 0.5}};
  const auto forward = Suppress(given, 0.3);
  std::reverse(given.begin(), given.end());
  const auto backward = Suppress(given, 0.3);
  ASSERT_EQ(forward.size(), backward.size());
  for (std::size_t i = 0; i < forward.size(); ++i) EXPECT_EQ(forward[i].box, backward[i].box);
}

TEST(SuppressTest, TakesNothing) { EXPECT_THAT(Suppress({}, 0.3), IsEmpty()); }

}  // namespace
}  // namespace winnow::detect
