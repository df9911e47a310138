#include "libs/image/luma.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::image {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;

Plane Ramp(std::uint32_t width, std::uint32_t height) {
  Plane plane{width, height, {}};
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      plane.data.push_back(static_cast<std::uint8_t>(x * 10 + y));
    }
  }
  return plane;
}

TEST(MakeLumaTest, WeighsColoursAsBt601) {
  const Pixels pixels{4, 1, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
  EXPECT_THAT(MakeLuma(pixels).data, ElementsAre(29, 150, 76, 255));
}

TEST(MakeLumaTest, TakesAPictureWithoutPixels) { EXPECT_TRUE(MakeLuma({}).data.empty()); }

TEST(AreaWeightsTest, CoverEachSampleByItsShare) {
  const AxisWeights axis = AreaWeights(5, 2);
  EXPECT_THAT(axis.first, ElementsAre(0, 2));
  EXPECT_THAT(axis.weights[0], ElementsAre(FloatNear(0.4f, 1e-6f), FloatNear(0.4f, 1e-6f),
                                           FloatNear(0.2f, 1e-6f)));
  EXPECT_THAT(axis.weights[1], ElementsAre(FloatNear(0.2f, 1e-6f), FloatNear(0.4f, 1e-6f),
                                           FloatNear(0.4f, 1e-6f)));
}

TEST(ResampleTest, AveragesBlocks) {
  const std::vector<float> halved = Resample(Ramp(4, 2), AreaWeights(2, 1), AreaWeights(4, 2));
  EXPECT_THAT(halved, ElementsAre(FloatNear(5.5f, 1e-4f), FloatNear(25.5f, 1e-4f)));
}

TEST(ResampleTest, KeepsAFlatPictureFlatAtAnySize) {
  const Plane flat{37, 53, std::vector<std::uint8_t>(37 * 53, 77)};
  EXPECT_THAT(Resample(flat, AreaWeights(53, 11), AreaWeights(37, 7)),
              Each(FloatNear(77.0f, 1e-3f)));
}

TEST(MirroredTest, GivesTheMapOfTheMirroredPicture) {
  const Plane plane = Ramp(5, 1);
  const AxisWeights cols = AreaWeights(5, 2);
  EXPECT_THAT(Resample(plane, AreaWeights(1, 1), cols),
              ElementsAre(FloatNear(8.0f, 1e-4f), FloatNear(32.0f, 1e-4f)));
  EXPECT_THAT(Resample(plane, AreaWeights(1, 1), Mirrored(cols, 5)),
              ElementsAre(FloatNear(32.0f, 1e-4f), FloatNear(8.0f, 1e-4f)));
}

}  // namespace
}  // namespace winnow::image
