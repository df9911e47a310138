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

// EXIF orientation that asks a viewer for the turn.
int OrientationOf(record::Turn turn) {
  switch (turn) {
    case record::Turn::kNone: return 1;
    case record::Turn::kMirrored: return 2;
    case record::Turn::kRotated180: return 3;
    case record::Turn::kFlipped: return 4;
    case record::Turn::kTransposed: return 5;
    case record::Turn::kRotated90: return 6;
    case record::Turn::kTransversed: return 7;
    case record::Turn::kRotated270: return 8;
  }
  return 0;
}

int Distance(const record::FingerprintBits& a, const record::FingerprintBits& b) {
  return HammingDistance({a}, {b});
}

TEST_P(FingerprintTest, KnowsThePictureInEveryTurn) {
  // Even and odd sides, and sides where the filter is even and leans to one side.
  for (const auto& [width, height] : {std::pair{331u, 127u}, {256u, 200u}, {640u, 480u}}) {
    const Pixels picture = Picture(GetParam(), width, height);
    const auto whole = ComputeFingerprint(FrameOf(picture), Turns::kAll);
    ASSERT_EQ(whole.turned.size(), record::kAllTurns.size() - 1);
    for (std::size_t i = 1; i < record::kAllTurns.size(); ++i) {
      const Pixels turned = Upright(picture, OrientationOf(record::kAllTurns[i]));
      EXPECT_EQ(Distance(whole.turned[i - 1], ComputeFingerprint(FrameOf(turned)).bits), 0)
          << Name(record::kAllTurns[i]) << " " << width << "x" << height;
    }
  }
}

TEST_P(FingerprintTest, TurnsTheUprightPicture) {
  const Pixels stored = Picture(GetParam(), 256, 247);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Pixels upright = Upright(stored, orientation);
    EXPECT_EQ(ComputeFingerprint(FrameOf(stored, orientation), Turns::kAll).turned,
              ComputeFingerprint(FrameOf(upright), Turns::kAll).turned) << orientation;
  }
}

TEST_P(FingerprintTest, IsTheSameWithAndWithoutTurns) {
  const Frame frame = FrameOf(Picture(GetParam()), 6);
  auto with = ComputeFingerprint(frame, Turns::kAll);
  with.turned.clear();
  EXPECT_EQ(with, ComputeFingerprint(frame));
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

TEST(FingerprintQualityTest, HasNoTurnsUnderFivePixels) {
  EXPECT_TRUE(ComputeFingerprint(FrameOf(Picture(1, 4, 300)), Turns::kAll).turned.empty());
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
