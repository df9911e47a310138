#include "libs/detect/pyramid.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace winnow::detect {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::uint64_t InputPixels(const Tile& tile) {
  return std::uint64_t{tile.pass.input_width} * tile.pass.input_height;
}

// Network pixels per picture pixel.
double Scale(const Tile& tile) {
  return static_cast<double>(tile.pass.content_width) / tile.pass.width;
}

// Tiles by level: tiles of one level have the same scale, give or take a rounded pixel.
std::map<int, std::vector<Tile>> Levels(const std::vector<Tile>& tiles) {
  std::map<int, std::vector<Tile>> levels;
  for (const Tile& tile : tiles) levels[static_cast<int>(Scale(tile) * 20 + 0.5)].push_back(tile);
  return levels;
}

TEST(PlanTilesTest, GivesNothingForAPictureWithoutPixels) {
  EXPECT_THAT(PlanTiles(0, 10, {}), IsEmpty());
  EXPECT_THAT(PlanTiles(10, 0, {}), IsEmpty());
}

TEST(PlanTilesTest, EnlargesASmallPictureOnce) {
  const auto tiles = PlanTiles(300, 200, {});
  ASSERT_THAT(tiles, SizeIs(1));
  EXPECT_EQ(tiles[0].pass, (Pass{0, 0, 300, 200, 600, 400, 608, 416}));
}

TEST(PlanTilesTest, SeesALargePictureWholeFirst) {
  const auto tiles = PlanTiles(4000, 3000, {});
  ASSERT_FALSE(tiles.empty());
  EXPECT_EQ(tiles[0].pass, (Pass{0, 0, 4000, 3000, 640, 480, 640, 480}));
  EXPECT_GT(tiles.size(), 1U);
}

class EverySizeTest : public ::testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {
 protected:
  std::uint32_t width_ = GetParam().first;
  std::uint32_t height_ = GetParam().second;
  PyramidOptions options_;
  std::vector<Tile> tiles_ = PlanTiles(width_, height_, options_);
};

TEST_P(EverySizeTest, StaysWithinThePictureAndTheTile) {
  ASSERT_FALSE(tiles_.empty());
  for (const Tile& tile : tiles_) {
    const Pass& pass = tile.pass;
    EXPECT_GT(pass.width, 0U);
    EXPECT_GT(pass.height, 0U);
    EXPECT_LE(pass.x + pass.width, width_);
    EXPECT_LE(pass.y + pass.height, height_);
    EXPECT_LE(pass.content_width, pass.input_width);
    EXPECT_LE(pass.content_height, pass.input_height);
    EXPECT_EQ(pass.input_width % 32, 0U);
    EXPECT_EQ(pass.input_height % 32, 0U);
    // A cut at a picture pixel can enlarge a tile by up to two pixels at either end.
    EXPECT_LE(pass.input_width, options_.tile_side + 32);
    EXPECT_LE(pass.input_height, options_.tile_side + 32);
  }
}

TEST_P(EverySizeTest, BoundsTheCost) {
  std::uint64_t pixels = 0;
  for (const Tile& tile : tiles_) pixels += InputPixels(tile);
  // The finest level costs most; coarser ones, overlaps and padding come on top.
  EXPECT_LE(pixels, options_.max_level_pixels * 2);
}

TEST_P(EverySizeTest, CoversEveryPixelWithACoreOnEveryLevel) {
  for (const auto& [level, tiles] : Levels(tiles_)) {
    for (const double x : {0.0, 0.21, 0.4, 0.5, 0.66, 0.99}) {
      for (const double y : {0.0, 0.21, 0.4, 0.5, 0.66, 0.99}) {
        const bool covered = std::any_of(tiles.begin(), tiles.end(), [&](const Tile& tile) {
          const double dx = x * width_ - tile.core.x;
          const double dy = y * height_ - tile.core.y;
          return dx >= 0 && dy >= 0 && dx <= tile.core.width && dy <= tile.core.height;
        });
        EXPECT_TRUE(covered) << x << "," << y << " at level " << level;
      }
    }
  }
}

TEST_P(EverySizeTest, LeavesRoomRoundEveryCoreInsideThePicture) {
  for (const Tile& tile : tiles_) {
    const double room = (options_.overlap / 2.0 - 8) / Scale(tile) - 2;
    const Pass& pass = tile.pass;
    const auto gap = [&](bool at_edge, double inner, double outer) {
      return at_edge ? room : inner - outer;
    };
    EXPECT_GE(gap(pass.x == 0, tile.core.x, pass.x), room);
    EXPECT_GE(gap(pass.y == 0, tile.core.y, pass.y), room);
    const double right = pass.x + pass.width;
    const double bottom = pass.y + pass.height;
    EXPECT_GE(gap(right == width_, right, tile.core.x + tile.core.width), room);
    EXPECT_GE(gap(bottom == height_, bottom, tile.core.y + tile.core.height), room);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, EverySizeTest,
                         ::testing::Values(std::pair(1U, 1U), std::pair(200U, 200U),
                                           std::pair(416U, 333U), std::pair(819U, 546U),
                                           std::pair(1280U, 720U), std::pair(1920U, 1080U),
                                           std::pair(4000U, 3000U), std::pair(3000U, 9000U),
                                           std::pair(10000U, 10000U), std::pair(2U, 50000U),
                                           std::pair(100'000'000U, 1U)));

TEST(ToPictureTest, UndoesScaleAndPlace) {
  const Pass pass{100, 50, 400, 200, 800, 400, 800, 416};
  EXPECT_EQ(ToPicture({20, 40, 60, 80}, pass, 1000, 1000), (record::Box{110, 70, 30, 40}));
}

TEST(ToPictureTest, ClipsToThePicture) {
  const Pass pass{0, 0, 100, 100, 100, 100, 128, 128};
  EXPECT_EQ(ToPicture({-10, 90, 30, 30}, pass, 100, 100), (record::Box{0, 90, 20, 10}));
  EXPECT_EQ(ToPicture({110, 110, 5, 5}, pass, 100, 100).area(), 0);
}

}  // namespace
}  // namespace winnow::detect
