#include "services/privacy-blurrer/core.h"

#include <gmock/gmock.h>

namespace winnow::privacy {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using record::Annotation;
using record::Box;
using record::RedactedRegion;

constexpr Geometry kPicture{200, 100, 1};

spec::PrivacyPolicy PolicyWith(double grow, std::uint32_t cells = 4) {
  spec::PrivacyPolicy policy;
  policy.grow = grow;
  policy.cells = cells;
  return policy;
}

RedactedRegion Region(const Box& box) {
  RedactedRegion region;
  region.box = box;
  return region;
}

auto HasBox(const Box& box) { return Field(&RedactedRegion::box, box); }

TEST(PlanTest, GrowsEachSideAndRoundsOutwards) {
  const auto plan = Plan({{{50.5, 40, 20, 10}, 0.8}}, "face", kPicture, PolicyWith(0.3, 5));
  ASSERT_THAT(plan.regions, ElementsAre(HasBox({44, 37, 33, 16})));
  EXPECT_EQ(plan.regions[0].kind, "face");
  EXPECT_EQ(plan.regions[0].score, 0.8);
  EXPECT_EQ(plan.cells, 5U);
}

TEST(PlanTest, StaysWithinThePicture) {
  const auto plan =
      Plan({{{-5, -5, 20, 20}, 0.9}, {{190, 90, 20, 20}, 0.8}}, "face", kPicture, PolicyWith(0.5));
  EXPECT_THAT(plan.regions, ElementsAre(HasBox({0, 0, 25, 25}), HasBox({180, 80, 20, 20})));
}

TEST(PlanTest, DropsWhatLiesOutsideThePicture) {
  EXPECT_THAT(Plan({{{300, 10, 20, 20}, 0.9}}, "face", kPicture, PolicyWith(0.1)).regions,
              IsEmpty());
}

TEST(PlanTest, TurnsBoxesFromUprightToStoredPixels) {
  // Stored 200x100 with orientation 6 is shown as 100x200.
  const auto plan = Plan({{{10, 150, 20, 30}, 0.9}}, "face", {200, 100, 6}, PolicyWith(0));
  EXPECT_THAT(plan.regions, ElementsAre(HasBox({150, 70, 30, 20})));
}

TEST(PlanTest, MergesARegionThatLiesInAnother) {
  const auto plan = Plan({{{20, 20, 10, 10}, 0.5}, {{10, 10, 40, 40}, 0.7}, {{100, 0, 9, 9}, 0.3}},
                         "face", kPicture, PolicyWith(0));
  EXPECT_THAT(plan.regions, ElementsAre(HasBox({10, 10, 40, 40}), HasBox({100, 0, 9, 9})));
  EXPECT_EQ(plan.regions[0].score, 0.7);
}

TEST(PlanTest, KeepsNeighboursApart) {
  EXPECT_THAT(Plan({{{10, 10, 40, 40}, 0.7}, {{30, 10, 40, 40}, 0.7}}, "face", kPicture,
                   PolicyWith(0)).regions,
              SizeIs(2));
}

TEST(EnlargeTest, AddsAndMergesWithHalfTheCells) {
  const RedactionPlan plan{{Region({50, 40, 20, 20})}, 4};
  const auto enlarged = Enlarge(plan, {{{45, 38, 24, 24}, 0.9}, {{150, 10, 10, 10}, 0.7}}, "face",
                                kPicture, PolicyWith(0));
  EXPECT_THAT(enlarged.regions, ElementsAre(HasBox({45, 38, 25, 24}), HasBox({150, 10, 10, 10})));
  EXPECT_EQ(enlarged.cells, 2U);
  EXPECT_EQ(Enlarge({{}, 1}, {}, "face", kPicture, PolicyWith(0)).cells, 1U);
}

TEST(CoveredRatioTest, CountsOverlapsOnce) {
  EXPECT_DOUBLE_EQ(CoveredRatio({}, kPicture), 0);
  EXPECT_DOUBLE_EQ(CoveredRatio({Region({0, 0, 200, 100})}, kPicture), 1);
  EXPECT_DOUBLE_EQ(
      CoveredRatio({Region({0, 0, 100, 50}), Region({50, 0, 100, 50}), Region({0, 0, 10, 10})},
                   kPicture),
      0.375);
  EXPECT_DOUBLE_EQ(
      CoveredRatio({Region({0, 0, 20, 100}), Region({10, 20, 20, 20}), Region({5, 60, 90, 10})},
                   kPicture),
      (2000 + 200 + 750) / 20000.0);
}

TEST(BestScoreTest, IsZeroForNone) {
  EXPECT_EQ(BestScore({}), 0);
  EXPECT_EQ(BestScore({{{0, 0, 1, 1}, 0.4}, {{0, 0, 1, 1}, 0.6}}), 0.6);
}

class MarkRedactedTest : public ::testing::Test {
 protected:
  static bool IsMarked(Annotation annotation, const Box& region) {
    std::vector<Annotation> annotations = {std::move(annotation)};
    MarkRedacted({Region(region)}, annotations);
    return annotations[0].attributes.count("redacted") == 1;
  }
  static Annotation Boxed(const Box& box) {
    Annotation annotation;
    annotation.box = box;
    return annotation;
  }
};

TEST_F(MarkRedactedTest, MarksAtHalfTheBox) {
  EXPECT_TRUE(IsMarked(Boxed({0, 0, 20, 10}), {0, 0, 10, 10}));
  EXPECT_FALSE(IsMarked(Boxed({0, 0, 20, 10}), {0, 0, 9, 10}));
}

TEST_F(MarkRedactedTest, JudgesPolygonsAndVisibleKeypointsByTheirBounds) {
  Annotation polygon;
  polygon.polygons = record::Polygons{{{{0, 0}, {20, 0}, {20, 10}}}};
  EXPECT_TRUE(IsMarked(polygon, {0, 0, 12, 10}));
  EXPECT_FALSE(IsMarked(polygon, {0, 0, 8, 10}));
  Annotation pose;
  pose.keypoints = {{{0, 0}, 2}, {{20, 10}, 1}, {{180, 90}, 0}};
  EXPECT_TRUE(IsMarked(pose, {0, 0, 12, 10}));
}

TEST_F(MarkRedactedTest, LeavesTagsAndOtherBoxesAlone) {
  EXPECT_FALSE(IsMarked(Annotation(), {0, 0, 200, 100}));
  EXPECT_FALSE(IsMarked(Boxed({50, 50, 10, 10}), {0, 0, 20, 20}));
  EXPECT_FALSE(IsMarked(Boxed({5, 5, 0, 10}), {0, 0, 20, 20}));
}

}  // namespace
}  // namespace winnow::privacy
