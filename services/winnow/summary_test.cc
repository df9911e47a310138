#include "services/winnow/summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace winnow::cli {
namespace {

using record::Disposition;
using record::Reason;

Summary Example() {
  Summary summary;
  summary.stages = {"validator", "sink"};
  summary.totals.Count("validator", Disposition::kRejected, Reason::kBlurry);
  summary.totals.Count("validator", Disposition::kReview, Reason::kResidualFace);
  summary.totals.Count("validator", Disposition::kForwarded, Reason::kNone);
  summary.totals.Count("sink", Disposition::kStored, Reason::kNone);
  summary.processed = 3;
  summary.seconds = 1.5;
  summary.ignored_files = 2;
  return summary;
}

TEST(SummaryTest, GivesProgramsTheSameCountsAsPeople) {
  const auto json = nlohmann::json::parse(SummaryJson(Example()));
  EXPECT_EQ(json["received"], 3);
  EXPECT_EQ(json["stored"], 1);
  EXPECT_EQ(json["deferred"], 0);
  EXPECT_EQ(json["review"], 1);
  EXPECT_EQ(json["rejected"], nlohmann::json({{"blurry", 1}}));
  EXPECT_EQ(json["images_per_second"], 2.0);
  EXPECT_EQ(json["conserved"], true);
  EXPECT_EQ(json["complete"], true);

  const std::string table = SummaryTable(Example());
  EXPECT_NE(table.find("received 3 = stored 1 + deferred 0 + rejected 1 + review 1"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("blurry"), std::string::npos);
}

TEST(SummaryTest, ShoutsWhenARecordIsMissing) {
  Summary summary = Example();
  summary.totals.Count("validator", Disposition::kForwarded, Reason::kNone);
  EXPECT_EQ(nlohmann::json::parse(SummaryJson(summary))["conserved"], false);
  EXPECT_NE(SummaryTable(summary).find("NOT CONSERVED"), std::string::npos);
}

}  // namespace
}  // namespace winnow::cli
