#include "libs/detect/multi_scale_detector.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "libs/detect/drawn_face.h"
#include "libs/detect/model.h"
#include "libs/detect/nms.h"

namespace winnow::detect {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// With the real model, which no repository holds: WINNOW_MODEL_DIR says where
// deploy/models/install put it.
class CenterFaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* directory = std::getenv("WINNOW_MODEL_DIR");
    if (directory == nullptr) GTEST_SKIP() << "WINNOW_MODEL_DIR is not set: model not installed";
    auto detector = LoadDetector("centerface", directory);
    ASSERT_TRUE(detector) << detector.error().message;
    detector_ = std::move(*detector);
  }

  static image::Pixels Wall(std::uint32_t width, std::uint32_t height) {
    image::Pixels picture{width, height, {}};
    picture.bgr.assign(std::size_t{3} * width * height, 120);
    return picture;
  }

  std::vector<Detection> Detect(const image::Pixels& picture, double threshold = 0.3) {
    auto found = detector_->Detect(picture, threshold);
    EXPECT_TRUE(found);
    return found.value_or(std::vector<Detection>());
  }

  std::unique_ptr<Detector> detector_;
};

TEST_F(CenterFaceTest, SaysWhoItIs) {
  EXPECT_EQ(detector_->kind(), "face");
  EXPECT_EQ(detector_->model_name(), "centerface");
  EXPECT_EQ(detector_->model_digest(), KnownModels()[0].sha256);
}

TEST_F(CenterFaceTest, FindsNoFaceOnAWall) {
  EXPECT_THAT(Detect(Wall(640, 480)), IsEmpty());
  EXPECT_THAT(Detect(Wall(1, 1)), IsEmpty());
}

TEST_F(CenterFaceTest, FindsFacesFromFifteenPixelsToMostOfThePicture) {
  for (const double size : {20, 40, 120, 400}) {
    image::Pixels picture = Wall(640, 480);
    DrawFace(picture, 330, 240, size);
    const auto found = Detect(picture);
    ASSERT_THAT(found, SizeIs(1)) << size;
    const record::Box face{330 - 0.33 * size, 240 - 0.48 * size, 0.66 * size, 0.88 * size};
    EXPECT_GT(IntersectionOverUnion(found[0].box, face), 0.5) << size;
  }
}

TEST_F(CenterFaceTest, FindsAFaceWhereverTilesMeet) {
  for (const double x : {615, 640, 665}) {
    image::Pixels picture = Wall(1920, 1080);
    DrawFace(picture, x, 540, 60);
    EXPECT_THAT(Detect(picture), SizeIs(1)) << x;
  }
}

// OpenCV 4.6 fuses batch normalisation again after each change of input size.
TEST_F(CenterFaceTest, SeesTheSameAfterPicturesOfOtherSizes) {
  image::Pixels picture = Wall(400, 300);
  DrawFace(picture, 200, 150, 80);
  const auto before = Detect(picture, 0.1);
  Detect(Wall(333, 500));
  Detect(Wall(1280, 720));
  const auto after = Detect(picture, 0.1);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].score, after[i].score);
    EXPECT_EQ(before[i].box, after[i].box);
  }
}

}  // namespace
}  // namespace winnow::detect
