#include "libs/telemetry/health.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace winnow::telemetry {
namespace {

using Json = nlohmann::json;

class HealthTest : public testing::Test {
 protected:
  Json Failing() const {
    const HttpAnswer answer = health_.Ready();
    const Json body = Json::parse(answer.body);
    EXPECT_EQ(answer.status, body.at("ready").get<bool>() ? 200 : 503);
    return body.value("failing", Json::object());
  }

  std::atomic<bool> stopping_ = false;
  std::chrono::steady_clock::time_point now_{};
  Health health_{{"kafka-1:9092", std::chrono::seconds(60), &stopping_, [this] { return now_; },
                  "deduper-0"}};
};

TEST_F(HealthTest, IsAliveAndNotReadyAtFirst) {
  EXPECT_EQ(health_.Live().status, 200);
  const Json failing = Failing();
  EXPECT_EQ(failing.size(), 3u) << failing;
  EXPECT_NE(failing.at("reachable").get<std::string>().find("kafka-1:9092"), std::string::npos);
}

TEST_F(HealthTest, IsReadyOnlyIfAllConditionsHold) {
  health_.Is({true, true, false});
  EXPECT_TRUE(Failing().contains("reachable"));
  health_.Is({true, false, true});
  EXPECT_TRUE(Failing().contains("restored"));
  health_.Is({false, true, true});
  EXPECT_TRUE(Failing().contains("assigned"));
  health_.Is({true, true, true});
  EXPECT_EQ(health_.Ready().status, 200);
  health_.Is({true, false, true});
  EXPECT_EQ(Failing().size(), 1u);
}

TEST_F(HealthTest, SaysWhyNoBrokerAnswers) {
  health_.Is({false, false, false, "broker might require SASL"});
  EXPECT_EQ(Failing().at("reachable"),
            "no broker of kafka-1:9092 answers: broker might require SASL");
}

TEST_F(HealthTest, IsNotReadyOnceAskedToStop) {
  health_.Is({true, true, true});
  stopping_ = true;
  EXPECT_TRUE(Failing().contains("running"));
  EXPECT_EQ(health_.Live().status, 200);
}

TEST_F(HealthTest, IsNotReadyAndLivesOnceAnotherProcessTookOver) {
  health_.Is({true, true, true});
  health_.InFlight(1000);
  EXPECT_FALSE(health_.fenced());
  health_.Fenced();
  EXPECT_TRUE(health_.fenced());
  EXPECT_NE(Failing().at("running").get<std::string>().find("instance deduper-0"),
            std::string::npos);
  now_ += std::chrono::hours(1);
  EXPECT_EQ(health_.Live().status, 200) << "it ends by itself: nobody need kill it";
}

TEST_F(HealthTest, IsNotAliveIfItStopsInTheMiddleOfWork) {
  health_.Is({true, true, true});
  health_.InFlight(1000);
  now_ += std::chrono::seconds(59);
  EXPECT_EQ(health_.Live().status, 200);
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(health_.Live().status, 503);
  EXPECT_EQ(Json::parse(health_.Live().body).at("stuck_for_seconds"), 60);
  health_.Took(stream::StageStep::kProcess, {});
  EXPECT_EQ(health_.Live().status, 200);
}

TEST_F(HealthTest, LivesOnWithoutWork) {
  health_.Is({true, true, true});
  health_.InFlight(1000);
  health_.InFlight(0);
  now_ += std::chrono::hours(24);
  EXPECT_EQ(health_.Live().status, 200);
}

TEST_F(HealthTest, LivesOnWithoutBroker) {
  health_.InFlight(1000);
  health_.Is({true, true, false});
  now_ += std::chrono::hours(24);
  EXPECT_EQ(health_.Live().status, 200) << "a restart mends no broker";
}

}  // namespace
}  // namespace winnow::telemetry
