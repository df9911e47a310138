#include "libs/image/fingerprint.h"

#include <gtest/gtest.h>

#include "libs/image/decode.h"
#include "libs/testing/images.h"

namespace winnow::image {
namespace {

using testing::MakeImageOptions;

Frame FrameOf(Pixels pixels, int orientation = 1) {
  Frame frame;
  frame.pixels = std::move(pixels);
  frame.orientation = orientation;
  return frame;
}

Pixels Picture(std::uint32_t seed, std::uint32_t width = 320, std::uint32_t height = 240) {
  MakeImageOptions options;
  options.seed = seed;
  options.width = width;
  options.height = height;
  return testing::MakePixels(options);
}

// Nearest neighbour: the roughest way to resize.
Pixels Resized(const Pixels& from, std::uint32_t width, std::uint32_t height) {
  Pixels out{width, height, {}};
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const std::size_t at = (std::size_t{y * from.height / height} * from.width +
                              x * from.width / width) * 3;
      out.bgr.insert(out.bgr.end(), &from.bgr[at], &from.bgr[at] + 3);
    }
  }
  return out;
}

class FingerprintTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(FingerprintTest, HasHalfOfItsBitsSet) {
  int set = 0;
  for (const std::uint64_t word : ComputeFingerprint(FrameOf(Picture(GetParam()))).bits) {
    set += __builtin_popcountll(word);
  }
  EXPECT_EQ(set, 128);
}

TEST_P(FingerprintTest, SurvivesReencoding) {
  MakeImageOptions options;
  options.seed = GetParam();
  const auto original = ComputeFingerprint(FrameOf(testing::MakePixels(options)));
  EXPECT_GE(original.quality, 50);
  for (const int quality : {90, 50, 20}) {
    options.quality = quality;
    const Decoded decoded = Decode(testing::MakeJpeg(options), {});
    ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
    EXPECT_LE(HammingDistance(original, ComputeFingerprint(*decoded.frame)), 16) << quality;
  }
}

TEST_P(FingerprintTest, SurvivesResizing) {
  const Pixels picture = Picture(GetParam());
  const auto original = ComputeFingerprint(FrameOf(picture));
  for (const auto& [width, height] : {std::pair{640u, 480u}, {400u, 240u}, {160u, 120u}}) {
    const auto resized = ComputeFingerprint(FrameOf(Resized(picture, width, height)));
    EXPECT_LE(HammingDistance(original, resized), 31) << width << "x" << height;
  }
}

TEST_P(FingerprintTest, TellsDifferentPicturesApart) {
  const auto one = ComputeFingerprint(FrameOf(Picture(GetParam())));
  const auto other = ComputeFingerprint(FrameOf(Picture(GetParam() + 100)));
  EXPECT_GT(HammingDistance(one, other), 80);
}

TEST_P(FingerprintTest, IsOfTheUprightPicture) {
  const Pixels stored = Picture(GetParam(), 331, 247);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto turned = ComputeFingerprint(FrameOf(stored, orientation));
    const auto upright = ComputeFingerprint(FrameOf(Upright(stored, orientation)));
    EXPECT_EQ(HammingDistance(turned, upright), 0) << orientation;
    EXPECT_EQ(turned.quality, upright.quality);
  }
}

TEST_P(FingerprintTest, DiffersForAMirroredPicture) {
  const Pixels stored = Picture(GetParam());
  EXPECT_GT(HammingDistance(ComputeFingerprint(FrameOf(stored, 1)),
                            ComputeFingerprint(FrameOf(stored, 2))), 80);
}

INSTANTIATE_TEST_SUITE_P(Pictures, FingerprintTest, ::testing::Values(1u, 2u, 3u, 4u, 5u));

TEST(FingerprintQualityTest, IsZeroForAFlatPicture) {
  const Pixels flat{300, 200, std::vector<std::uint8_t>(300 * 200 * 3, 130)};
  EXPECT_EQ(ComputeFingerprint(FrameOf(flat)).quality, 0);
}

TEST(FingerprintQualityTest, IsZeroWithoutBitsUnderFivePixels) {
  const auto fingerprint = ComputeFingerprint(FrameOf(Picture(1, 4, 300)));
  EXPECT_EQ(fingerprint, record::Fingerprint{});
}

TEST(FingerprintQualityTest, TakesFivePixels) {
  EXPECT_NE(ComputeFingerprint(FrameOf(Picture(1, 5, 5))).bits, record::Fingerprint{}.bits);
}

TEST(HammingDistanceTest, CountsBitsInEveryWord) {
  record::Fingerprint a;
  record::Fingerprint b;
  EXPECT_EQ(HammingDistance(a, b), 0);
  b.bits = {1, 3, 7, ~std::uint64_t{0}};
  EXPECT_EQ(HammingDistance(a, b), 1 + 2 + 3 + 64);
}

TEST(FingerprintHexTest, PutsBit255First) {
  record::Fingerprint fingerprint;
  fingerprint.bits = {0x1, 0, 0, 0xf000000000000000};
  EXPECT_EQ(ToHex(fingerprint),
            "f000000000000000" "0000000000000000" "0000000000000000" "0000000000000001");
}

}  // namespace
}  // namespace winnow::image
