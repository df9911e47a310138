#include "libs/image/frame.h"

#include <gtest/gtest.h>

#include <cmath>

namespace winnow::image {
namespace {

// 3x2 pixels, each with its own colour: 0 1 2 / 3 4 5.
Pixels Numbered() {
  Pixels pixels{3, 2, {}};
  for (std::uint8_t i = 0; i < 6; ++i) pixels.bgr.insert(pixels.bgr.end(), {i, 100, 200});
  return pixels;
}

std::vector<int> Numbers(const Pixels& pixels) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < pixels.bgr.size(); i += 3) numbers.push_back(pixels.bgr[i]);
  return numbers;
}

struct Turned {
  int orientation;
  std::uint32_t width;
  std::vector<int> numbers;
};

// The eight cases of EXIF 2.32, table for tag 0x0112.
const std::vector<Turned> kTurned = {
    {1, 3, {0, 1, 2, 3, 4, 5}}, {2, 3, {2, 1, 0, 5, 4, 3}}, {3, 3, {5, 4, 3, 2, 1, 0}},
    {4, 3, {3, 4, 5, 0, 1, 2}}, {5, 2, {0, 3, 1, 4, 2, 5}}, {6, 2, {3, 0, 4, 1, 5, 2}},
    {7, 2, {5, 2, 4, 1, 3, 0}}, {8, 2, {2, 5, 1, 4, 0, 3}},
};

TEST(FrameTest, UprightTurnsAndMirrorsAsExifSays) {
  for (const Turned& expected : kTurned) {
    const Pixels upright = Upright(Numbered(), expected.orientation);
    EXPECT_EQ(upright.width, expected.width) << expected.orientation;
    EXPECT_EQ(Numbers(upright), expected.numbers) << expected.orientation;
  }
}

TEST(FrameTest, UprightTakesAnUnknownOrientationForUpright) {
  EXPECT_EQ(Numbers(Upright(Numbered(), 9)), Numbers(Numbered()));
}

TEST(FrameTest, UprightKeepsEveryPixelOfAPictureLargerThanATile) {
  Pixels stored{70, 45, {}};
  stored.bgr.resize(70 * 45 * 3);
  std::uint8_t next = 0;
  for (std::uint8_t& sample : stored.bgr) sample = next += 7;
  // Each pair undoes itself.
  constexpr int kBack[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
  for (int there = 2; there <= 8; ++there) {
    const int back = kBack[there];
    EXPECT_EQ(Upright(Upright(stored, there), back).bgr, stored.bgr) << there;
  }
}

// A box drawn on the upright picture must cover the same pixels of the stored one.
TEST(FrameTest, ToStoredFindsThePixelsOfTheUprightBox) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Pixels upright = Upright(Numbered(), orientation);
    for (std::uint32_t y = 0; y < upright.height; ++y) {
      for (std::uint32_t x = 0; x < upright.width; ++x) {
        const record::Box box =
            ToStored({double{1} * x, double{1} * y, 1, 1}, orientation, 3, 2);
        EXPECT_EQ(box.width, 1);
        EXPECT_EQ(box.height, 1);
        const auto at = static_cast<std::size_t>(box.y) * 3 + static_cast<std::size_t>(box.x);
        EXPECT_EQ(Numbers(Numbered())[at], Numbers(upright)[y * upright.width + x]) << orientation;
      }
    }
  }
}

TEST(FrameTest, ToStoredSwapsTheSidesOfATurnedBox) {
  EXPECT_EQ(ToStored({10, 20, 30, 40}, 6, 400, 300), (record::Box{20, 260, 40, 30}));
}

}  // namespace
}  // namespace winnow::image
