#include "libs/image/quality.h"

#include <gtest/gtest.h>

#include <cmath>

#include "libs/image/test_pictures.h"

namespace winnow::image {
namespace {

record::Measurements MeasureOf(Pixels pixels) {
  Frame frame;
  frame.pixels = std::move(pixels);
  return Measure(frame);
}

Pixels Flat(std::uint8_t blue, std::uint8_t green, std::uint8_t red) {
  Pixels pixels{64, 64, {}};
  for (int i = 0; i < 64 * 64; ++i) pixels.bgr.insert(pixels.bgr.end(), {blue, green, red});
  return pixels;
}

TEST(MeasureTest, CopiesWhatTheFrameKnows) {
  Frame frame;
  frame.pixels = TestPicture(1, 300, 200);
  frame.format = record::ImageFormat::kWebp;
  frame.orientation = 6;
  const record::Measurements measured = Measure(frame);
  EXPECT_EQ(measured.format, record::ImageFormat::kWebp);
  EXPECT_EQ(measured.width, 300u);
  EXPECT_EQ(measured.height, 200u);
  EXPECT_EQ(measured.orientation, 6);
}

TEST(MeasureTest, WeighsBrightnessAsCleanvision) {
  for (const auto& [blue, green, red] : {std::tuple{255, 0, 0}, {0, 255, 0}, {0, 0, 255},
                                         {40, 90, 200}, {255, 255, 255}, {0, 0, 0}}) {
    const double expected =
        std::sqrt(0.241 * red * red + 0.691 * green * green + 0.068 * blue * blue) / 255;
    const record::Measurements measured =
        MeasureOf(Flat(static_cast<std::uint8_t>(blue), static_cast<std::uint8_t>(green),
                       static_cast<std::uint8_t>(red)));
    EXPECT_NEAR(measured.brightness_p5, expected, 0.002);
    EXPECT_NEAR(measured.brightness_p99, expected, 0.002);
    EXPECT_NEAR(measured.brightness_mean, expected, 0.002);
  }
}

TEST(MeasureTest, TakesPercentilesOfTheWholePicture) {
  Pixels pixels{100, 100, std::vector<std::uint8_t>(30'000, 100)};
  std::fill_n(pixels.bgr.begin(), 1'800, 0);     // 6 % black
  std::fill_n(pixels.bgr.end() - 600, 600, 255);  // 2 % white
  const record::Measurements measured = MeasureOf(std::move(pixels));
  EXPECT_EQ(measured.brightness_p5, 0);
  EXPECT_NEAR(measured.brightness_p99, 1, 0.002);
}

TEST(MeasureTest, GivesZeroEntropyAndContrastToAFlatPicture) {
  const record::Measurements measured = MeasureOf(Flat(9, 99, 199));
  EXPECT_EQ(measured.entropy_bits, 0);
  EXPECT_NEAR(measured.contrast, 0, 1e-6);
  EXPECT_EQ(measured.sharpness, 0);
}

TEST(MeasureTest, GivesOneBitToTwoEqualTones) {
  Pixels pixels{100, 100, std::vector<std::uint8_t>(30'000, 0)};
  std::fill_n(pixels.bgr.begin(), 15'000, 255);
  const record::Measurements measured = MeasureOf(std::move(pixels));
  EXPECT_NEAR(measured.entropy_bits, 1, 1e-9);
  EXPECT_NEAR(measured.contrast, 0.5, 1e-9);
}

TEST(MeasureTest, FollowsExposure) {
  record::Measurements last;
  for (const double gain : {0.1, 0.3, 0.6, 1.0}) {
    const record::Measurements measured = MeasureOf(WithGain(TestPicture(3), gain, 0));
    EXPECT_GT(measured.brightness_p99, last.brightness_p99);
    EXPECT_GT(measured.brightness_mean, last.brightness_mean);
    last = measured;
  }
}

TEST(MeasureTest, SamplesALargePictureLikeASmallOne) {
  // Every pixel of the small picture becomes 4x4 equal ones.
  const Pixels small = TestPicture(5, 320, 240);
  Pixels large{1280, 960, {}};
  for (std::uint32_t y = 0; y < large.height; ++y) {
    for (std::uint32_t x = 0; x < large.width; ++x) {
      const std::uint8_t* from = &small.bgr[(std::size_t{y / 4} * 320 + x / 4) * 3];
      large.bgr.insert(large.bgr.end(), from, from + 3);
    }
  }
  const record::Measurements of_small = MeasureOf(small);
  const record::Measurements of_large = MeasureOf(large);
  EXPECT_NEAR(of_large.brightness_mean, of_small.brightness_mean, 0.01);
  EXPECT_NEAR(of_large.entropy_bits, of_small.entropy_bits, 0.1);
  EXPECT_NEAR(of_large.contrast, of_small.contrast, 0.01);
}

TEST(MeasureTest, TakesOnePixelAndNone) {
  EXPECT_NEAR(MeasureOf({1, 1, {255, 255, 255}}).brightness_mean, 1, 0.002);
  EXPECT_EQ(MeasureOf({}).brightness_mean, 0);
}

TEST(MeasureTest, IsTheSameTwice) {
  EXPECT_EQ(MeasureOf(TestPicture(8)), MeasureOf(TestPicture(8)));
}

TEST(LightingOfTest, NamesTheTone) {
  using record::Lighting;
  EXPECT_EQ(LightingOf(0.0), Lighting::kDark);
  EXPECT_EQ(LightingOf(0.219), Lighting::kDark);
  EXPECT_EQ(LightingOf(0.22), Lighting::kDim);
  EXPECT_EQ(LightingOf(0.36), Lighting::kNormal);
  EXPECT_EQ(LightingOf(0.719), Lighting::kNormal);
  EXPECT_EQ(LightingOf(0.72), Lighting::kBright);
  EXPECT_EQ(LightingOf(1.0), Lighting::kBright);
}

}  // namespace
}  // namespace winnow::image
