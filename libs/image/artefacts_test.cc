#include "libs/image/artefacts.h"

#include <gtest/gtest.h>

#include "libs/image/decode.h"
#include "libs/image/test_pictures.h"

namespace winnow::image {
namespace {

Pixels Grey(std::uint8_t level) {
  return {400, 300, std::vector<std::uint8_t>(400 * 300 * 3, level)};
}

TEST(NoiseSigmaTest, MeasuresNoiseOnAFlatPicture) {
  for (const double sigma : {1.0, 2.0, 4.0, 8.0, 16.0, 30.0}) {
    EXPECT_NEAR(NoiseSigma(MakeLuma(WithNoise(Grey(128), sigma))), sigma, 0.12 * sigma);
  }
}

TEST(NoiseSigmaTest, FindsNoiseBesideClippedSky) {
  Pixels picture = WithNoise(Grey(128), 8);
  std::fill(picture.bgr.begin(), picture.bgr.begin() + picture.bgr.size() / 2, 255);
  EXPECT_NEAR(NoiseSigma(MakeLuma(picture)), 8, 1.2);
}

TEST(NoiseSigmaTest, IsZeroOnAFlatPicture) { EXPECT_EQ(NoiseSigma(MakeLuma(Grey(90))), 0); }

TEST(NoiseSigmaTest, IsZeroForASliver) {
  EXPECT_EQ(NoiseSigma(MakeLuma(TestPicture(1, 17, 300))), 0);
}

TEST(NoiseSigmaTest, IsNotFooledByTexture) {
  // Stripes over two thirds of the picture; the rest is smooth.
  Pixels picture = Grey(100);
  for (std::size_t i = 0; i < picture.bgr.size() * 2 / 3; ++i) {
    picture.bgr[i] = (i / 3) % 2 == 0 ? 60 : 160;
  }
  EXPECT_LT(NoiseSigma(MakeLuma(picture)), 1);
}

TEST(NoiseSigmaTest, RisesWithNoiseOnAPicture) {
  const Pixels picture = TestPicture(2);
  double last = 0;
  for (const double sigma : {4.0, 8.0, 16.0, 30.0}) {
    const double measured = NoiseSigma(MakeLuma(WithNoise(picture, sigma)));
    EXPECT_GT(measured, last);
    EXPECT_NEAR(measured, sigma, 0.3 * sigma + 0.5);
    last = measured;
  }
}

double BlockinessAt(std::uint32_t seed, int quality) {
  testing::MakeImageOptions options;
  options.seed = seed;
  options.quality = quality;
  const Decoded decoded = Decode(testing::MakeJpeg(options), {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  return decoded.frame ? Blockiness(MakeLuma(decoded.frame->pixels)) : -1;
}

TEST(BlockinessTest, RisesAsJpegQualityFalls) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    double last = -1;
    for (const int quality : {95, 50, 25, 8}) {
      const double blockiness = BlockinessAt(seed, quality);
      EXPECT_GT(blockiness, last) << "seed " << seed << " quality " << quality;
      last = blockiness;
    }
    EXPECT_LE(last, 1);
  }
}

TEST(BlockinessTest, IsSmallForAPictureNeverCompressed) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    EXPECT_LT(Blockiness(MakeLuma(TestPicture(seed))), 0.2);
  }
}

TEST(BlockinessTest, SeesBlocksWhateverTheirOffset) {
  testing::MakeImageOptions options;
  options.quality = 8;
  const Decoded decoded = Decode(testing::MakeJpeg(options), {});
  ASSERT_NE(decoded.frame, nullptr);
  const Plane whole = MakeLuma(decoded.frame->pixels);
  Plane cropped{whole.width - 3, whole.height - 5, {}};
  for (std::uint32_t y = 5; y < whole.height; ++y) {
    cropped.data.insert(cropped.data.end(), whole.row(y) + 3, whole.row(y) + whole.width);
  }
  EXPECT_NEAR(Blockiness(cropped), Blockiness(whole), 0.05);
}

TEST(BlockinessTest, IsZeroWithoutStepsOrRoom) {
  EXPECT_EQ(Blockiness(MakeLuma(Grey(90))), 0);
  EXPECT_EQ(Blockiness(MakeLuma(TestPicture(1, 23, 300))), 0);
}

}  // namespace
}  // namespace winnow::image
