#include "libs/telemetry/stage_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace winnow::telemetry {
namespace {

using record::Disposition;
using record::Reason;
using stream::BatchReport;

// Sum of all samples whose name and labels begin with `start`.
double Sum(const Metrics& metrics, const std::string& start) {
  std::istringstream text(metrics.Text());
  double sum = 0;
  for (std::string line; std::getline(text, line);) {
    if (line.rfind(start, 0) == 0) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

class StageProbeTest : public testing::Test {
 protected:
  bool Shows(const std::string& line) const {
    return ("\n" + metrics_.Text()).find("\n" + line + "\n") != std::string::npos;
  }

  Metrics metrics_;
  ManualClock clock_{Timestamp(std::chrono::hours(480'000))};
  StageProbe probe_{{"deduper", "1.2.3", {"undecodable", "too_large"}, true, 3}, metrics_, clock_};
};

TEST_F(StageProbeTest, HasAllSeriesOfClosedSetsFromTheStart) {
  const std::string text = metrics_.Text();
  for (const Reason reason : record::kAllReasons) {
    EXPECT_NE(text.find("reason=\"" + std::string(Name(reason)) + "\""), std::string::npos)
        << Name(reason);
  }
  for (const Disposition disposition : record::kAllDispositions) {
    EXPECT_NE(text.find("winnow_records_total{outcome=\"" + std::string(Name(disposition)) + "\""),
              std::string::npos)
        << Name(disposition);
  }
  for (const stream::StageStep step : stream::kAllStageSteps) {
    EXPECT_TRUE(Shows("winnow_stage_seconds_count{stage=\"deduper\",step=\"" +
                      std::string(Name(step)) + "\"} 0"));
  }
  EXPECT_TRUE(
      Shows("winnow_records_total{outcome=\"dead\",reason=\"too_large\",stage=\"deduper\"} 0"));
  EXPECT_TRUE(Shows("winnow_build_info{stage=\"deduper\",version=\"1.2.3\"} 1"));
  EXPECT_TRUE(Shows("winnow_lanes{stage=\"deduper\"} 3"));
}

TEST_F(StageProbeTest, KeepsTheLawOfConservation) {
  BatchReport batch;
  batch.received = 10;
  batch.received_bytes = 5000;
  batch.dead = {{"undecodable", 1}, {"a reason of another version", 1}};
  batch.outcomes = {{{Disposition::kForwarded, Reason::kNone}, 5},
                    {{Disposition::kRejected, Reason::kNearDuplicate}, 2},
                    {{Disposition::kReview, Reason::kBlurry}, 1}};
  batch.settled = {{{Disposition::kForwarded, Reason::kNone}, 4}};
  probe_.Committed(batch);
  probe_.Committed(batch);
  EXPECT_EQ(Sum(metrics_, "winnow_received_total{"), 20);
  EXPECT_EQ(Sum(metrics_, "winnow_records_total{"), 20);
  EXPECT_EQ(Sum(metrics_, "winnow_record_bytes_total{"), 10'000);
  EXPECT_EQ(Sum(metrics_, "winnow_settled_total{"), 8) << "settled records were received before";
  EXPECT_EQ(Sum(metrics_, "winnow_commits_total{"), 2);
  EXPECT_TRUE(Shows("winnow_records_total{outcome=\"rejected\",reason=\"near_duplicate\","
                    "stage=\"deduper\"} 4"));
  EXPECT_EQ(metrics_.Text().find("another version"), std::string::npos) << "labels are closed sets";
}

TEST_F(StageProbeTest, TellsLagAndRestoreUntilThePartitionGoes) {
  probe_.Lag("images.safe", 3, 42);
  probe_.Restoring(3, 10, 100);
  EXPECT_TRUE(Shows("winnow_consumer_lag_records{partition=\"3\",stage=\"deduper\","
                    "topic=\"images.safe\"} 42")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_restore_remaining_records{partition=\"3\",stage=\"deduper\"} 90"));
  probe_.Restoring(3, 120, 100);
  EXPECT_TRUE(Shows("winnow_restore_remaining_records{partition=\"3\",stage=\"deduper\"} 0"));
  probe_.Revoked("images.safe", 3);
  EXPECT_EQ(metrics_.Text().find("partition=\"3\""), std::string::npos);
}

TEST_F(StageProbeTest, TellsWhatMakesItReady) {
  const auto shows = [this](const char* check, const char* value) {
    return Shows("winnow_ready{check=\"" + std::string(check) + "\",stage=\"deduper\"} " + value);
  };
  for (const char* check : {"assigned", "restored", "reachable"}) EXPECT_TRUE(shows(check, "0"));
  EXPECT_TRUE(shows("running", "1"));
  probe_.Is({true, false, true});
  EXPECT_TRUE(shows("assigned", "1"));
  EXPECT_TRUE(shows("restored", "0"));
  EXPECT_TRUE(shows("reachable", "1"));
  probe_.Stopping();
  EXPECT_TRUE(shows("running", "0"));
}

TEST_F(StageProbeTest, TellsWhatWasLostFromZeroOn) {
  EXPECT_TRUE(Shows("winnow_lost_records_total{reason=\"retention\",stage=\"deduper\"} 0"))
      << metrics_.Text();
  probe_.Lost(stream::Loss::kRetention, 7);
  probe_.Lost(stream::Loss::kRetention, 2);
  EXPECT_TRUE(Shows("winnow_lost_records_total{reason=\"retention\",stage=\"deduper\"} 9"));
}

TEST_F(StageProbeTest, TellsWhatTheStateWeighsUntilThePartitionGoes) {
  EXPECT_EQ(metrics_.Text().find("winnow_state_entries{"), std::string::npos);
  probe_.StateIs(1, {10, 2000, 300, 40, false});
  probe_.StateIs(0, {1, 2, 3, 4, true});
  const auto shows = [this](const std::string& name, int partition, const std::string& value) {
    return Shows("winnow_state_" + name + "{partition=\"" + std::to_string(partition) +
                 "\",stage=\"deduper\"} " + value);
  };
  EXPECT_TRUE(shows("entries", 1, "10")) << metrics_.Text();
  EXPECT_TRUE(shows("disk_bytes", 1, "2000"));
  EXPECT_TRUE(shows("memory_bytes", 1, "300"));
  EXPECT_TRUE(shows("pending_compaction_bytes", 1, "40"));
  EXPECT_TRUE(shows("writes_stopped", 1, "0"));
  EXPECT_TRUE(shows("writes_stopped", 0, "1"));
  probe_.Revoked("images.safe", 1);
  EXPECT_EQ(metrics_.Text().find("partition=\"1\""), std::string::npos);
  EXPECT_TRUE(shows("entries", 0, "1"));
}

TEST_F(StageProbeTest, TellsWhatTheIndexWeighsUntilThePartitionGoes) {
  EXPECT_EQ(metrics_.Text().find("winnow_index_entries{"), std::string::npos);
  probe_.ViewIs(1, {10, 1500, 99});
  const std::string labels = "{partition=\"1\",stage=\"deduper\"} ";
  EXPECT_TRUE(Shows("winnow_index_entries" + labels + "10")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_index_memory_bytes" + labels + "1500"));
  EXPECT_TRUE(Shows("winnow_index_disk_bytes" + labels + "99"));
  probe_.Revoked("images.safe", 1);
  EXPECT_EQ(metrics_.Text().find("winnow_index_entries{"), std::string::npos);
}

TEST_F(StageProbeTest, TellsOfTheOutputsParts) {
  const auto shows = [this](const std::string& name, const std::string& value) {
    return Shows("winnow_" + name + "{stage=\"deduper\"} " + value);
  };
  EXPECT_TRUE(shows("parts_open", "0")) << metrics_.Text();
  EXPECT_TRUE(shows("part_oldest_open_seconds", "0"));
  EXPECT_TRUE(shows("parts_published_total", "0"));
  probe_.PartsOpen(3, std::chrono::milliseconds(2500));
  probe_.PartsPublished(2);
  EXPECT_TRUE(shows("parts_open", "3"));
  EXPECT_TRUE(shows("part_oldest_open_seconds", "2.5"));
  EXPECT_TRUE(shows("parts_published_total", "2"));
  probe_.PartsOpen(0, std::chrono::seconds(9));
  EXPECT_TRUE(shows("part_oldest_open_seconds", "0")) << "with none open there is no oldest";
}

TEST_F(StageProbeTest, TellsThatAnotherProcessTookOver) {
  EXPECT_TRUE(Shows("winnow_fenced{stage=\"deduper\"} 0")) << metrics_.Text();
  probe_.Fenced();
  EXPECT_TRUE(Shows("winnow_fenced{stage=\"deduper\"} 1"));
  EXPECT_TRUE(Shows("winnow_ready{check=\"running\",stage=\"deduper\"} 0"));
}

TEST_F(StageProbeTest, TellsHowOldAnImageIsWhenItIsStored) {
  record::ImageRecord record;
  record.history.emplace_back();
  record.history.back().disposition = Disposition::kStored;
  record.ingested_at = clock_.Now() - std::chrono::milliseconds(1500);
  probe_.Concluded(record);
  record.captured_at = clock_.Now() - std::chrono::seconds(90);
  probe_.Concluded(record);
  record.history.back().disposition = Disposition::kRejected;
  probe_.Concluded(record);
  probe_.Concluded({});
  const std::string end = ",stage=\"deduper\"} ";
  EXPECT_TRUE(Shows("winnow_end_to_end_seconds_count{since=\"captured\"" + end + "1"));
  EXPECT_TRUE(Shows("winnow_end_to_end_seconds_sum{since=\"captured\"" + end + "90"));
  EXPECT_TRUE(Shows("winnow_end_to_end_seconds_sum{since=\"ingested\"" + end + "3"));
}

TEST(StageProbeOfAStageTest, TellsOfNoParts) {
  Metrics metrics;
  ManualClock clock;
  StageProbe probe({"validator", "1", {}}, metrics, clock);
  probe.PartsOpen(1, std::chrono::seconds(1));
  probe.PartsPublished(1);
  EXPECT_EQ(metrics.Text().find("winnow_part"), std::string::npos);
}

TEST(StageProbeOfAStageTest, TellsNoEndToEndTime) {
  Metrics metrics;
  ManualClock clock;
  StageProbe probe({"validator", "1", {}}, metrics, clock);
  record::ImageRecord record;
  record.history.emplace_back();
  record.history.back().disposition = Disposition::kStored;
  probe.Concluded(record);
  EXPECT_EQ(metrics.Text().find("end_to_end"), std::string::npos);
}

TEST_F(StageProbeTest, MeasuresSteps) {
  probe_.Took(stream::StageStep::kCommit, std::chrono::milliseconds(30));
  probe_.InFlight(77);
  probe_.Aborted("why");
  EXPECT_TRUE(Shows(
      "winnow_stage_seconds_bucket{stage=\"deduper\",step=\"commit\",le=\"0.05\"} 1"));
  EXPECT_TRUE(Shows(
      "winnow_stage_seconds_bucket{stage=\"deduper\",step=\"commit\",le=\"0.025\"} 0"));
  EXPECT_TRUE(Shows("winnow_in_flight_bytes{stage=\"deduper\"} 77"));
  EXPECT_TRUE(Shows("winnow_aborts_total{stage=\"deduper\"} 1"));
}

}  // namespace
}  // namespace winnow::telemetry
