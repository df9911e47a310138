#include "libs/detect/head.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace winnow::detect {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Pass kPass{0, 0, 64, 32, 64, 32, 64, 32};

// The outputs of a network for a 64x32 input, all zero, with values put in by hand.
class Outputs {
 public:
  void Add(int channels, int rows, int columns) {
    values_.emplace_back(static_cast<std::size_t>(channels) * rows * columns);
    shapes_.push_back({1, channels, rows, columns});
  }
  float& At(std::size_t tensor, std::size_t index) { return values_[tensor][index]; }
  std::vector<Tensor> Tensors() const {
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      tensors.push_back({values_[i].data(), shapes_[i]});
    }
    return tensors;
  }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<std::vector<int>> shapes_;
};

Outputs CenterFaceOutputs() {
  Outputs outputs;
  for (const int channels : {1, 2, 2}) outputs.Add(channels, 8, 16);
  return outputs;
}

Outputs YuNetOutputs() {
  Outputs outputs;
  for (const int stride : {8, 16, 32}) {
    for (const int values : {1, 1, 4}) outputs.Add((32 / stride) * (64 / stride), values, 1);
  }
  return outputs;
}

TEST(CenterFaceHeadTest, FindsNothingInZeros) {
  const auto found = CenterFaceHead().decode(CenterFaceOutputs().Tensors(), kPass, 0.1);
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, IsEmpty());
}

TEST(CenterFaceHeadTest, ReadsCentreOffsetAndLogSize) {
  Outputs outputs = CenterFaceOutputs();
  const std::size_t cell = 3 * 16 + 5;  // row 3, column 5
  outputs.At(0, cell) = 0.75F;
  outputs.At(1, cell) = std::log(4.F);        // height 16 pixels
  outputs.At(1, 128 + cell) = std::log(2.F);  // width 8 pixels
  outputs.At(2, cell) = 0.25F;                // down
  outputs.At(2, 128 + cell) = -0.25F;         // right
  const auto found = CenterFaceHead().decode(outputs.Tensors(), kPass, 0.7);
  ASSERT_TRUE(found);
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_DOUBLE_EQ((*found)[0].score, 0.75);
  EXPECT_NEAR((*found)[0].box.x, 21 - 4, 1e-4);
  EXPECT_NEAR((*found)[0].box.y, 15 - 8, 1e-4);
  EXPECT_NEAR((*found)[0].box.width, 8, 1e-4);
  EXPECT_NEAR((*found)[0].box.height, 16, 1e-4);
}

TEST(CenterFaceHeadTest, LeavesOutWhatIsBelowTheThreshold) {
  Outputs outputs = CenterFaceOutputs();
  outputs.At(0, 7) = 0.5F;
  EXPECT_THAT(*CenterFaceHead().decode(outputs.Tensors(), kPass, 0.5), SizeIs(1));
  EXPECT_THAT(*CenterFaceHead().decode(outputs.Tensors(), kPass, 0.51), IsEmpty());
}

TEST(CenterFaceHeadTest, DropsBoxesThatAreNotNumbers) {
  Outputs outputs = CenterFaceOutputs();
  outputs.At(0, 7) = 0.9F;
  outputs.At(1, 7) = 500;  // exp overflows
  outputs.At(0, 8) = 0.9F;
  outputs.At(2, 8) = std::numeric_limits<float>::quiet_NaN();
  outputs.At(0, 9) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(*CenterFaceHead().decode(outputs.Tensors(), kPass, 0.3), IsEmpty());
}

TEST(CenterFaceHeadTest, RefusesOutputsOfAnotherShape) {
  const auto found = CenterFaceHead().decode(YuNetOutputs().Tensors(), kPass, 0.3);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kBug);
  Outputs outputs;
  for (const int channels : {1, 2, 2}) outputs.Add(channels, 8, 8);
  EXPECT_FALSE(CenterFaceHead().decode(outputs.Tensors(), kPass, 0.3));
}

TEST(YuNetHeadTest, ReadsTheAnchorsOfEachStride) {
  Outputs outputs = YuNetOutputs();
  outputs.At(3, 5) = 0.64F;          // stride 16, class: row 1, column 1
  outputs.At(4, 5) = 1.0F;           // object
  outputs.At(5, 5 * 4) = 0.5F;       // right by half a cell
  outputs.At(5, 5 * 4 + 3) = std::log(2.F);
  const auto found = YuNetHead().decode(outputs.Tensors(), kPass, 0.7);
  ASSERT_TRUE(found);
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_NEAR((*found)[0].score, 0.8, 1e-6);
  EXPECT_NEAR((*found)[0].box.x, 24 - 8, 1e-4);
  EXPECT_NEAR((*found)[0].box.y, 16 - 16, 1e-4);
  EXPECT_NEAR((*found)[0].box.width, 16, 1e-4);
  EXPECT_NEAR((*found)[0].box.height, 32, 1e-4);
}

TEST(YuNetHeadTest, RefusesOutputsOfAnotherShape) {
  EXPECT_FALSE(YuNetHead().decode(CenterFaceOutputs().Tensors(), kPass, 0.3));
}

TEST(FindHeadTest, KnowsItsArchitecturesOnly) {
  EXPECT_EQ(FindHead("centerface"), &CenterFaceHead());
  EXPECT_EQ(FindHead("yunet"), &YuNetHead());
  EXPECT_EQ(FindHead("haar"), nullptr);
}

}  // namespace
}  // namespace winnow::detect
