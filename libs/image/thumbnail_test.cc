#include "libs/image/thumbnail.h"

#include <gtest/gtest.h>

#include <numeric>

#include "libs/image/decode.h"
#include "libs/testing/images.h"

namespace winnow::image {
namespace {

double Mean(const Pixels& pixels) {
  return std::accumulate(pixels.bgr.begin(), pixels.bgr.end(), 0.0) /
         static_cast<double>(pixels.bgr.size());
}

std::shared_ptr<const Frame> Thumbnail(const Pixels& pixels, std::uint32_t max_side) {
  const auto bytes = JpegThumbnail(pixels, max_side, 80);
  EXPECT_TRUE(bytes.has_value());
  return Decode(*bytes, {}).frame;
}

TEST(ThumbnailTest, FitsTheLongerSideAndKeepsTheShape) {
  const Pixels pixels = testing::MakePixels();
  const auto small = Thumbnail(pixels, 80);
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->pixels.width, 80u);
  EXPECT_EQ(small->pixels.height, 60u);
  EXPECT_NEAR(Mean(small->pixels), Mean(pixels), 2);
}

TEST(ThumbnailTest, NeverEnlarges) {
  EXPECT_EQ(Thumbnail(testing::MakePixels(), 1000)->pixels.width, 320u);
}

TEST(ThumbnailTest, KeepsAtLeastOnePixelOfAStrip) {
  testing::MakeImageOptions options;
  options.width = 2000;
  options.height = 2;
  EXPECT_EQ(Thumbnail(testing::MakePixels(options), 100)->pixels.height, 1u);
}

TEST(ThumbnailTest, RefusesAnEmptyPicture) {
  EXPECT_FALSE(JpegThumbnail({}, 100, 80).has_value());
}

}  // namespace
}  // namespace winnow::image
