#include "libs/image/sharpness.h"

#include <gtest/gtest.h>

#include "libs/image/test_pictures.h"

namespace winnow::image {
namespace {

double SharpnessOf(const Pixels& pixels) { return Sharpness(MakeLuma(pixels)); }

Pixels Blurred(std::uint32_t seed, std::uint32_t radius) {
  testing::MakeImageOptions options;
  options.seed = seed;
  options.width = 480;
  options.height = 360;
  options.blur = radius;
  return testing::MakePixels(options);
}

class SharpnessTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(SharpnessTest, FallsWithBlur) {
  double last = 1;
  for (const std::uint32_t radius : {0u, 1u, 2u, 4u, 8u}) {
    const double sharpness = SharpnessOf(Blurred(GetParam(), radius));
    EXPECT_LT(sharpness, last) << radius;
    last = sharpness;
  }
  EXPECT_GT(SharpnessOf(Blurred(GetParam(), 0)), 0.5);
  EXPECT_LT(last, 0.25);
}

TEST_P(SharpnessTest, FallsWithMotionInOneDirection) {
  const Pixels picture = TestPicture(GetParam());
  double last = 1;
  for (const std::uint32_t length : {1u, 5u, 11u, 21u}) {
    const double sharpness = SharpnessOf(WithMotion(picture, length));
    EXPECT_LT(sharpness, last) << length;
    last = sharpness;
  }
  EXPECT_LT(last, 0.35);
}

TEST_P(SharpnessTest, DoesNotDependOnContrastOrExposure) {
  const Pixels picture = TestPicture(GetParam());
  const double sharpness = SharpnessOf(picture);
  EXPECT_NEAR(SharpnessOf(WithGain(picture, 0.4, 80)), sharpness, 0.05);
  EXPECT_NEAR(SharpnessOf(WithGain(picture, 0.5, 0)), sharpness, 0.05);
}

TEST_P(SharpnessTest, IsNotRaisedMuchByNoiseOnABlurredPicture) {
  const Pixels blurred = Blurred(GetParam(), 6);
  EXPECT_LT(SharpnessOf(WithNoise(blurred, 6)), SharpnessOf(blurred) + 0.1);
}

INSTANTIATE_TEST_SUITE_P(Pictures, SharpnessTest, ::testing::Values(1u, 2u, 3u));

TEST(SharpnessLimitsTest, IsZeroWithoutStructure) {
  EXPECT_EQ(Sharpness({100, 100, std::vector<std::uint8_t>(10'000, 90)}), 0);
}

TEST(SharpnessLimitsTest, IsZeroForASliver) {
  EXPECT_EQ(SharpnessOf(TestPicture(1, 600, 20)), 0);
}

TEST(SharpnessLimitsTest, TakesAPictureLargerThanTheWorkingSize) {
  EXPECT_GT(SharpnessOf(TestPicture(1, 1500, 700)), 0.5);
}

}  // namespace
}  // namespace winnow::image
