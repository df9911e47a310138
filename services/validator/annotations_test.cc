// CheckAnnotations and ClipAnnotations of core.h.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "services/validator/core.h"

namespace winnow::validator {
namespace {

using record::Annotation;
using record::Reason;

LabelRules Rules() { return {100, 80, {"car", "bus"}, false}; }

Annotation Tag(std::string label) {
  Annotation annotation;
  annotation.label = std::move(label);
  return annotation;
}

Annotation WithBox(double x, double y, double width, double height) {
  Annotation annotation = Tag("car");
  annotation.box = record::Box{x, y, width, height};
  return annotation;
}

Annotation WithRing(std::vector<record::Point> ring) {
  Annotation annotation = Tag("car");
  annotation.polygons = record::Polygons{{std::move(ring)}};
  return annotation;
}

Annotation WithMask(std::uint32_t width, std::uint32_t height, std::vector<std::uint32_t> counts) {
  Annotation annotation = Tag("car");
  annotation.mask = record::MaskRle{width, height, std::move(counts)};
  return annotation;
}

Annotation WithKeypoint(double x, double y, int visibility) {
  Annotation annotation = Tag("car");
  annotation.keypoints = {{{x, y}, visibility}};
  return annotation;
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Case {
  const char* name;
  Annotation annotation;
  Reason expected;
};

class CheckAnnotationsTest : public ::testing::TestWithParam<Case> {};

TEST_P(CheckAnnotationsTest, GivesTheReason) {
  const Finding finding = CheckAnnotations({Tag("bus"), GetParam().annotation}, Rules());
  EXPECT_EQ(finding.reason, GetParam().expected) << finding.detail;
  if (finding.refused()) {
    EXPECT_EQ(finding.detail.rfind("annotation 2: ", 0), 0u) << finding.detail;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Geometry, CheckAnnotationsTest,
    ::testing::Values(
        Case{"Tag", Tag("car"), Reason::kNone},
        Case{"UnknownLabel", Tag("tram"), Reason::kUnknownLabel},
        Case{"EmptyLabel", Tag(""), Reason::kAnnotationInvalid},
        Case{"WholePicture", WithBox(0, 0, 100, 80), Reason::kNone},
        Case{"OnePixelOver", WithBox(-1, -1, 102, 82), Reason::kNone},
        Case{"OverTheLeft", WithBox(-1.01, 0, 10, 10), Reason::kAnnotationInvalid},
        Case{"OverTheTop", WithBox(0, -1.01, 10, 10), Reason::kAnnotationInvalid},
        Case{"OverTheRight", WithBox(90, 0, 11.1, 10), Reason::kAnnotationInvalid},
        Case{"OverTheBottom", WithBox(0, 75, 10, 6.1), Reason::kAnnotationInvalid},
        Case{"NoWidth", WithBox(1, 1, 0, 10), Reason::kAnnotationInvalid},
        Case{"NegativeHeight", WithBox(10, 10, 5, -5), Reason::kAnnotationInvalid},
        Case{"WhollyInTheMargin", WithBox(100, 10, 1, 10), Reason::kAnnotationInvalid},
        Case{"NotANumber", WithBox(kNan, 1, 5, 5), Reason::kAnnotationInvalid},
        Case{"NanWidth", WithBox(1, 1, kNan, 5), Reason::kAnnotationInvalid},
        Case{"Infinite", WithBox(1, 1, kInfinity, 5), Reason::kAnnotationInvalid},
        Case{"Triangle", WithRing({{0, 0}, {10, 0}, {0, 10}}), Reason::kNone},
        Case{"TwoPoints", WithRing({{0, 0}, {10, 0}}), Reason::kAnnotationInvalid},
        Case{"CollinearRing", WithRing({{0, 0}, {10, 10}, {20, 20}}), Reason::kAnnotationInvalid},
        Case{"RingOutside", WithRing({{0, 0}, {103, 0}, {0, 10}}), Reason::kAnnotationInvalid},
        Case{"RingNan", WithRing({{0, 0}, {kNan, 0}, {0, 10}}), Reason::kAnnotationInvalid},
        Case{"Mask", WithMask(100, 80, {10, 20, 7970}), Reason::kNone},
        Case{"MaskOfOtherSize", WithMask(80, 100, {10, 20, 7970}), Reason::kAnnotationInvalid},
        Case{"MaskTooShort", WithMask(100, 80, {10, 20}), Reason::kAnnotationInvalid},
        Case{"MaskTooLong", WithMask(100, 80, {10, 20, 7971}), Reason::kAnnotationInvalid},
        Case{"MaskWithoutPixel", WithMask(100, 80, {8000}), Reason::kAnnotationInvalid},
        Case{"MaskRunsOverflow", WithMask(100, 80, {4294967295u, 1, 4294967295u, 8001}),
             Reason::kAnnotationInvalid},
        Case{"Keypoint", WithKeypoint(50, 40, 2), Reason::kNone},
        Case{"UnlabelledKeypointAnywhere", WithKeypoint(-500, 0, 0), Reason::kNone},
        Case{"HiddenKeypointOutside", WithKeypoint(500, 0, 1), Reason::kAnnotationInvalid},
        Case{"KeypointNan", WithKeypoint(kNan, 0, 2), Reason::kAnnotationInvalid},
        Case{"VisibilityThree", WithKeypoint(5, 5, 3), Reason::kAnnotationInvalid},
        Case{"VisibilityNegative", WithKeypoint(5, 5, -1), Reason::kAnnotationInvalid}),
    [](const auto& test) { return test.param.name; });

TEST(CheckAnnotationsRulesTest, RefusesPolygonsWithoutRing) {
  Annotation annotation = Tag("car");
  annotation.polygons = record::Polygons{};
  EXPECT_EQ(CheckAnnotations({annotation}, Rules()).reason, Reason::kAnnotationInvalid);
}

TEST(CheckAnnotationsRulesTest, TakesAnyLabelWithoutOntology) {
  LabelRules rules = Rules();
  rules.classes.clear();
  EXPECT_FALSE(CheckAnnotations({Tag("tram")}, rules).refused());
}

TEST(CheckAnnotationsRulesTest, AsksForAnAnnotationOnlyWhereRequired) {
  LabelRules rules = Rules();
  EXPECT_FALSE(CheckAnnotations({}, rules).refused());
  rules.required = true;
  EXPECT_EQ(CheckAnnotations({}, rules).reason, Reason::kAnnotationInvalid);
}

TEST(ClipAnnotationsTest, MovesOvershootToTheBorderAndNothingElse) {
  std::vector<Annotation> annotations = {WithBox(-1, 10, 102, 20), WithBox(10, 10, 20, 20),
                                         WithRing({{-0.5, 0}, {100.5, 0}, {50, 80.5}}),
                                         WithKeypoint(100.5, 40, 1), WithKeypoint(-7, 0, 0)};
  ClipAnnotations(annotations, 100, 80);
  EXPECT_EQ(annotations[0].box, (record::Box{0, 10, 100, 20}));
  EXPECT_EQ(annotations[1].box, (record::Box{10, 10, 20, 20}));
  EXPECT_EQ(annotations[2].polygons->rings[0],
            (std::vector<record::Point>{{0, 0}, {100, 0}, {50, 80}}));
  EXPECT_EQ(annotations[3].keypoints[0].at, (record::Point{100, 40}));
  EXPECT_EQ(annotations[4].keypoints[0].at, (record::Point{-7, 0}));
}

}  // namespace
}  // namespace winnow::validator
