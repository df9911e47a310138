#include "services/validator/probe.h"

#include <gtest/gtest.h>

namespace winnow::validator {
namespace {

class ValidatorProbeTest : public testing::Test {
 protected:
  static record::ImageRecord From(const std::string& source) {
    record::ImageRecord record;
    record.source.id = SourceId(source);
    return record;
  }

  bool Shows(const std::string& name, const std::string& source, const std::string& value) const {
    const std::string line = "\nwinnow_source_" + name + "{source=\"" + source +
                             "\",stage=\"validator\"} " + value + "\n";
    return ("\n" + metrics_.Text()).find(line) != std::string::npos;
  }

  telemetry::Metrics metrics_;
  ManualClock clock_{Timestamp(std::chrono::seconds(1'000'000))};
  ValidatorProbe probe_{{{"gate-1", std::chrono::seconds(10)},
                         {"feed", std::chrono::milliseconds(1500)}}, metrics_, clock_};
};

TEST_F(ValidatorProbeTest, KnowsEachNamedSourceFromTheStart) {
  for (const char* source : {"gate-1", "feed", "other"}) {
    EXPECT_TRUE(Shows("records_total", source, "0")) << metrics_.Text();
  }
  EXPECT_TRUE(Shows("last_seen_timestamp_seconds", "gate-1", "1000000")) << metrics_.Text();
  EXPECT_TRUE(Shows("silence_limit_seconds", "gate-1", "10"));
  EXPECT_TRUE(Shows("silence_limit_seconds", "feed", "1.5"));
  EXPECT_EQ(metrics_.Text().find("limit_seconds{source=\"other\""), std::string::npos);
}

TEST_F(ValidatorProbeTest, TellsWhenASourceWasLastSeen) {
  clock_.Advance(std::chrono::seconds(5));
  probe_.Concluded(From("feed"));
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(Shows("records_total", "feed", "1"));
  EXPECT_TRUE(Shows("last_seen_timestamp_seconds", "feed", "1000005")) << metrics_.Text();
  EXPECT_TRUE(Shows("last_seen_timestamp_seconds", "gate-1", "1000000"));
}

TEST_F(ValidatorProbeTest, MakesNoSeriesOfANameThatWasNotGiven) {
  for (const char* source : {"gate-2", "", "other"}) probe_.Concluded(From(source));
  EXPECT_TRUE(Shows("records_total", "other", "3"));
  EXPECT_EQ(metrics_.Text().find("gate-2"), std::string::npos);
}

}  // namespace
}  // namespace winnow::validator
