#include "services/balancer/strata.h"

#include <gtest/gtest.h>

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
  record.measurements.emplace();
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

}  // namespace
}  // namespace winnow::balancer
