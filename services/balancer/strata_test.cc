#include "services/balancer/strata.h"

#include <gtest/gtest.h>

#include <limits>

namespace winnow::balancer {
namespace {

using Values = std::vector<std::string>;

record::ImageRecord Labelled(const Values& labels) {
  record::ImageRecord record;
  for (const std::string& label : labels) {
    record.annotations.emplace_back();
    record.annotations.back().label = label;
  }
  return record;
}

record::ImageRecord Measured(double sharpness, std::uint32_t side, double noise) {
  record::ImageRecord record;
  record.measurements.emplace();
  record.measurements->sharpness = sharpness;
  record.measurements->width = side * 2;
  record.measurements->height = side;
  record.measurements->noise_sigma = noise;
  return record;
}

TEST(ValuesOfTest, TakesEachLabelOnce) {
  EXPECT_EQ(ValuesOf(Labelled({"car", "bus", "car", ""}), "class"), (Values{"bus", "car"}));
}

TEST(ValuesOfTest, FallsBackFromLabelsToTheDeclaredClassToUnlabelled) {
  record::ImageRecord record = Labelled({""});
  EXPECT_EQ(ValuesOf(record, "class"), Values{"unlabelled"});
  record.attributes["class"] = "shoe";
  EXPECT_EQ(ValuesOf(record, "class"), Values{"shoe"});
  record.annotations.emplace_back();
  record.annotations.back().label = "boot";
  EXPECT_EQ(ValuesOf(record, "class"), Values{"boot"});
}

TEST(ValuesOfTest, ReadsEveryOtherAxisAndSaysUnknownWhereThereIsNothing) {
  record::ImageRecord record;
  for (const char* axis : {"lighting", "source", "site", "format", "attribute:weather"}) {
    EXPECT_EQ(ValuesOf(record, axis), Values{"unknown"}) << axis;
  }
  record = Measured(1, 1, 0);
  record.measurements->lighting = record::Lighting::kDim;
  record.measurements->format = record::ImageFormat::kPng;
  record.source.id = SourceId("gate");
  record.source.site = "north";
  record.attributes["weather"] = "rain";
  EXPECT_EQ(ValuesOf(record, "lighting"), Values{"dim"});
  EXPECT_EQ(ValuesOf(record, "format"), Values{"png"});
  EXPECT_EQ(ValuesOf(record, "source"), Values{"gate"});
  EXPECT_EQ(ValuesOf(record, "site"), Values{"north"});
  EXPECT_EQ(ValuesOf(record, "attribute:weather"), Values{"rain"});
}

TEST(CheckAxisTest, AcceptsTheClosedSetAndAttributes) {
  for (const char* axis : {"class", "lighting", "source", "site", "format", "attribute:weather"}) {
    EXPECT_TRUE(CheckAxis(axis)) << axis;
  }
  for (const char* axis : {"", "Class", "attribute:", "weather", "attribute"}) {
    EXPECT_FALSE(CheckAxis(axis)) << axis;
  }
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
  EXPECT_EQ(QualityRank(record::ImageRecord()), 0u);
  EXPECT_EQ(QualityRank(Measured(not_a_number, 800, 0)), 0u);
  EXPECT_EQ(QualityRank(Measured(1, 800, infinity)), 0u);
  EXPECT_EQ(QualityRank(Measured(-1e300, 800, 0)), 0u);
  EXPECT_LE(QualityRank(Measured(1e300, 2'000'000'000, -1e300)), 1'000'000u);
}

}  // namespace
}  // namespace winnow::balancer
