#include "libs/telemetry/json_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace winnow::telemetry {
namespace {

using stream::Severity;
using Json = nlohmann::json;

class JsonLogTest : public testing::Test {
 protected:
  std::vector<Json> Lines() const {
    std::vector<Json> parsed;
    for (const std::string& line : lines_) parsed.push_back(Json::parse(line));
    return parsed;
  }

  std::vector<std::string> lines_;
  ManualClock clock_{Timestamp(std::chrono::milliseconds(1'767'225'600'007))};
  JsonLog log_{"winnow-deduper", "deduper-0", clock_,
               [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(JsonLogTest, WritesOneObjectALine) {
  log_.Write(Severity::kWarning, "odd", {{"topic", "images.safe"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0],
            "{\"time\":\"2026-01-01T00:00:00.007Z\",\"level\":\"warning\","
            "\"service\":\"winnow-deduper\",\"instance\":\"deduper-0\",\"message\":\"odd\","
            "\"fields\":{\"topic\":\"images.safe\"}}\n");
}

TEST_F(JsonLogTest, StaysOneLineOfJsonWhateverTheTextHolds) {
  const std::string hostile("a\"b\\c\n{\"level\":\"error\"}\r\t\0\x1b[31m\xff\xc3\x28", 39);
  log_.Write(Severity::kInfo, hostile, {{hostile, hostile}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].find('\n'), lines_[0].size() - 1);
  for (const char c : lines_[0].substr(0, lines_[0].size() - 1)) {
    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
  const Json line = Json::parse(lines_[0]);
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("message").get<std::string>().substr(0, 5), "a\"b\\c");
}

TEST_F(JsonLogTest, DoesNotWriteSecrets) {
  log_.Write(Severity::kInfo, "settings",
             {{"sasl.password", "hunter2"}, {"Client_Secret", "hunter2"}, {"brokers", "b:1"}});
  EXPECT_EQ(lines_.at(0).find("hunter2"), std::string::npos) << lines_[0];
  EXPECT_NE(lines_.at(0).find("b:1"), std::string::npos);
}

TEST_F(JsonLogTest, HoldsRepeatsBackAndSaysHowMany) {
  for (int i = 0; i < 100; ++i) log_.Write(Severity::kInfo, "again", {{"i", std::to_string(i)}});
  EXPECT_EQ(lines_.size(), static_cast<std::size_t>(JsonLog::kBurst));
  log_.Write(Severity::kInfo, "other");
  EXPECT_EQ(lines_.size(), static_cast<std::size_t>(JsonLog::kBurst) + 1);
  clock_.Advance(JsonLog::kWindow);
  log_.Write(Severity::kInfo, "again");
  const std::vector<Json> lines = Lines();
  EXPECT_EQ(lines.back().at("repeated"), 100 - JsonLog::kBurst);
  EXPECT_FALSE(lines.front().contains("repeated"));
  clock_.Advance(JsonLog::kWindow);
  log_.Write(Severity::kInfo, "again");
  EXPECT_FALSE(Lines().back().contains("repeated"));
}

TEST_F(JsonLogTest, NeverHoldsAnErrorBackForAWarning) {
  for (int i = 0; i < 100; ++i) log_.Write(Severity::kWarning, "same text");
  log_.Write(Severity::kError, "same text");
  EXPECT_EQ(Lines().back().at("level"), "error");
}

TEST_F(JsonLogTest, GoesOnWhenTheClockIsSetBack) {
  for (int i = 0; i < 10; ++i) log_.Write(Severity::kInfo, "again");
  clock_.Advance(-std::chrono::hours(1));
  log_.Write(Severity::kInfo, "again");
  EXPECT_EQ(lines_.size(), static_cast<std::size_t>(JsonLog::kBurst) + 1);
}

TEST_F(JsonLogTest, TakesManyDifferentMessages) {
  for (int i = 0; i < 5'000; ++i) log_.Write(Severity::kInfo, std::to_string(i));
  EXPECT_EQ(lines_.size(), 5'000u);
}

TEST_F(JsonLogTest, TellsAChangeOfConditionOnce) {
  log_.Is({false, false, false});
  log_.Is({false, false, false});
  EXPECT_EQ(Lines().size(), 1u);
  EXPECT_EQ(Lines().back().at("level"), "info") << "nothing is odd at the start";
  log_.Is({true, true, true});
  EXPECT_EQ(Lines().size(), 2u);
  EXPECT_EQ(Lines().back().at("level"), "info");
  EXPECT_EQ(Lines().back().at("fields").at("assigned"), "true");
  log_.Is({true, true, false});
  EXPECT_EQ(Lines().size(), 3u);
  EXPECT_EQ(Lines().back().at("level"), "warning");
}

TEST_F(JsonLogTest, TellsOnceWhyNoBrokerAnswers) {
  log_.Is({false, false, false});
  log_.Is({false, false, false, "certificate verify failed (after 4ms)"});
  log_.Is({false, false, false, "certificate verify failed (after 5ms)"});
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_EQ(Lines().back().at("level"), "warning");
  EXPECT_EQ(Lines().back().at("fields").at("why"), "certificate verify failed (after 4ms)");
}

TEST_F(JsonLogTest, TellsEachReasonOfAnOutage) {
  log_.Is({false, false, false, "Disconnected"});
  EXPECT_EQ(Lines().back().at("level"), "warning");
  log_.Is({false, false, false, "Authentication failed"});
  log_.Is({false, false, false, "Disconnected"});
  log_.Is({false, false, false, "Authentication failed (after 1ms)"});
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_EQ(Lines().back().at("fields").at("why"), "Authentication failed");
  log_.Is({true, true, true});
  log_.Is({true, true, false, "Disconnected"});
  log_.Is({true, true, false, "Authentication failed"});
  EXPECT_EQ(Lines().size(), 5u) << "an outage of its own";
}

TEST_F(JsonLogTest, EndsTellingReasonsThatNeverRepeat) {
  for (char c = 'a'; c <= 'z'; ++c) log_.Is({false, false, false, std::string(1, c)});
  EXPECT_LE(Lines().size(), 10u);
}

TEST_F(JsonLogTest, TakesLinesOfSeveralThreads) {
  const auto write = [this](char name) {
    for (int i = 0; i < 200; ++i) log_.Event(Severity::kInfo, std::string(1, name), {});
  };
  std::thread a(write, 'a');
  std::thread b(write, 'b');
  a.join();
  b.join();
  EXPECT_EQ(Lines().size(), 2u * JsonLog::kBurst);
}

}  // namespace
}  // namespace winnow::telemetry
