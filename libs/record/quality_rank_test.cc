#include "libs/record/quality_rank.h"

#include <gtest/gtest.h>

#include <limits>

namespace winnow::record {
namespace {

ImageRecord Measured(double sharpness, std::uint32_t side, double noise) {
  ImageRecord record;
  record.measurements.emplace();
  record.measurements->sharpness = sharpness;
  record.measurements->width = side * 2;
  record.measurements->height = side;
  record.measurements->noise_sigma = noise;
  return record;
}

TEST(QualityRankTest, GrowsWithSharpnessAndSizeAndFallsWithNoise) {
  const std::uint32_t middle = QualityRank(Measured(0.5, 800, 4));
  EXPECT_GT(QualityRank(Measured(0.6, 800, 4)), middle);
  EXPECT_GT(QualityRank(Measured(0.5, 900, 4)), middle);
  EXPECT_LT(QualityRank(Measured(0.5, 800, 5)), middle);
}

TEST(QualityRankTest, StaysWithinMillionthsForAbsurdFigures) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(QualityRank(ImageRecord()), 0u);
  EXPECT_EQ(QualityRank(Measured(not_a_number, 800, 0)), 0u);
  EXPECT_EQ(QualityRank(Measured(1, 800, infinity)), 0u);
  EXPECT_EQ(QualityRank(Measured(-1e300, 800, 0)), 0u);
  EXPECT_LE(QualityRank(Measured(1e300, 2'000'000'000, -1e300)), 1'000'000u);
}

}  // namespace
}  // namespace winnow::record
