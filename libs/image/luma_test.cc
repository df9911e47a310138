#include "libs/image/luma.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::image {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

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

TEST(ResampleLumaTest, DoesNotRoundBeforeItAverages) {
  const Pixels pixels{2, 1, {255, 0, 0, 0, 0, 255}};
  EXPECT_THAT(ResampleLuma(pixels, AreaWeights(1, 1), AreaWeights(2, 2)),
              ElementsAre(FloatNear(29.07f, 1e-4f), FloatNear(76.245f, 1e-4f)));
  EXPECT_THAT(ResampleLuma(pixels, AreaWeights(1, 1), AreaWeights(2, 1)),
              ElementsAre(FloatNear(52.6575f, 1e-4f)));
}

TEST(ResampleLumaTest, AgreesWithTheRoundedPlaneToWithinRounding) {
  Pixels pixels{37, 53, {}};
  for (std::uint32_t i = 0; i < 37 * 53 * 3; ++i) {
    pixels.bgr.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  }
  const AxisWeights rows = AreaWeights(53, 11), cols = AreaWeights(37, 7);
  EXPECT_THAT(ResampleLuma(pixels, rows, cols),
              Pointwise(FloatNear(0.51f), Resample(MakeLuma(pixels), rows, cols)));
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
