#include "services/balancer/probe.h"

#include <gtest/gtest.h>

namespace winnow::balancer {
namespace {

using record::Disposition;

TEST(DivergenceTest, IsHalfTheSumOfAbsoluteDifferencesOverListedValues) {
  const std::map<std::string, double> targets = {{"dark", 0.5}, {"normal", 0.5}};
  EXPECT_DOUBLE_EQ(Divergence(targets, {}, 0), 0);
  EXPECT_DOUBLE_EQ(Divergence(targets, {{"dark", 5}, {"normal", 5}}, 10), 0);
  EXPECT_DOUBLE_EQ(Divergence(targets, {{"dark", 2}, {"normal", 8}}, 10), 0.3);
  EXPECT_DOUBLE_EQ(Divergence(targets, {{"dark", 10}}, 10), 0.5);
  EXPECT_DOUBLE_EQ(Divergence(targets, {}, 10), 0.5) << "all admitted under values not listed";
  EXPECT_DOUBLE_EQ(Divergence(targets, {{"dark", -3}, {"normal", 5}}, 5), 0.5);
  EXPECT_DOUBLE_EQ(Divergence(targets, {{"dark", -3}}, -1), 0);
}

class BalancerProbeTest : public testing::Test {
 protected:
  BalancerProbeTest() {
    spec_.balance.axes = {{"lighting", {{"dark", 0.5}, {"normal", 0.5}}, 0},
                          {"site", {{"north", 1.0}}, 0}};
  }

  static record::ImageRecord Judged(Disposition disposition, std::vector<std::string> strata) {
    record::ImageRecord record;
    record.history.emplace_back();
    record.history.back().disposition = disposition;
    record.selection.emplace();
    record.selection->strata = std::move(strata);
    return record;
  }

  bool Shows(const std::string& line) const {
    return ("\n" + metrics_.Text()).find("\n" + line + "\n") != std::string::npos;
  }

  spec::CollectionSpec spec_;
  telemetry::Metrics metrics_;
};

TEST_F(BalancerProbeTest, TellsEachAxisFromTheStart) {
  BalancerProbe probe(spec_, metrics_);
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"site\"} 0"));
}

TEST_F(BalancerProbeTest, CountsWhatWasAdmittedAndNothingElse) {
  BalancerProbe probe(spec_, metrics_);
  probe.Concluded(Judged(Disposition::kForwarded, {"lighting=dark", "site=north"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0.5")) << metrics_.Text();
  probe.Concluded(Judged(Disposition::kDeferred, {"lighting=normal", "site=north"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0.5"));
  probe.Concluded(Judged(Disposition::kForwarded, {"lighting=normal", "site=south"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"site\"} 0.25")) << metrics_.Text();
}

TEST_F(BalancerProbeTest, CountsABetterCopyInThePlaceOfWhatItReplaces) {
  BalancerProbe probe(spec_, metrics_);
  const auto better = [](std::vector<std::string> strata, std::vector<std::string> withdrawn) {
    record::ImageRecord record = Judged(Disposition::kForwarded, std::move(strata));
    record.selection->withdrawn = std::move(withdrawn);
    return record;
  };
  probe.Concluded(Judged(Disposition::kForwarded, {"lighting=dark", "site=north"}));
  probe.Concluded(better({"lighting=dark", "site=north"}, {"lighting=dark", "site=north"}));
  probe.Concluded(Judged(Disposition::kForwarded, {"lighting=normal", "site=north"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0")) << metrics_.Text();
  probe.Concluded(better({"lighting=normal", "site=south"}, {"lighting=dark", "site=north"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0.5")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"site\"} 0.25"));
}

TEST_F(BalancerProbeTest, ShowsNoDivergenceWhereMoreWasReplacedThanAdmittedSinceItBegan) {
  BalancerProbe probe(spec_, metrics_);
  record::ImageRecord better = Judged(Disposition::kForwarded, {"lighting=dark"});
  better.selection->withdrawn = {"lighting=normal", "lighting=normal"};
  probe.Concluded(better);
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0")) << metrics_.Text();
}

TEST_F(BalancerProbeTest, TakesRecordsThatSayNothing) {
  BalancerProbe probe(spec_, metrics_);
  probe.Concluded({});
  probe.Concluded(Judged(Disposition::kForwarded, {"", "=", "lighting"}));
  EXPECT_TRUE(Shows("winnow_balance_divergence{axis=\"lighting\"} 0"));
}

}  // namespace
}  // namespace winnow::balancer
