#include "libs/service/health_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/telemetry/http_listener.h"

namespace winnow::service {
namespace {

using testing::HasSubstr;

class HealthCheckTest : public testing::Test {
 protected:
  void Listen(int status, const std::string& body) {
    listener_ = telemetry::HttpListener::Start({"127.0.0.1", 0}, {{"/healthz", [=] {
                  return telemetry::HttpAnswer{status, "application/json", body};
                }}}).value();
    http_.port = listener_->port();
  }

  HttpConfig http_;  // on all addresses, as by default
  std::unique_ptr<telemetry::HttpListener> listener_;
};

TEST_F(HealthCheckTest, IsContentWithAProcessThatLives) {
  Listen(200, "{\"alive\":true}\n");
  EXPECT_TRUE(CheckHealth(http_));
}

TEST_F(HealthCheckTest, TellsWhatAStuckProcessSays) {
  Listen(503, "{\"alive\":false,\"stuck_for_seconds\":301}\n");
  const Status status = CheckHealth(http_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().message,
              HasSubstr("answers 503: {\"alive\":false,\"stuck_for_seconds\":301}"));
}

TEST_F(HealthCheckTest, NamesThePortNobodyListensOn) {
  Listen(200, "");
  listener_.reset();
  const Status status = CheckHealth(http_);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("127.0.0.1:" + std::to_string(http_.port)));
}

TEST_F(HealthCheckTest, RefusesAnyFreePort) {
  http_.port = 0;
  EXPECT_EQ(CheckHealth(http_).error().code, ErrorCode::kConfig);
  EXPECT_THAT(CheckHealth(http_).error().message, HasSubstr("http.port is 0"));
}

TEST(AskedAddressTest, IsLoopbackForAllAddresses) {
  EXPECT_EQ(AskedAddress("0.0.0.0"), "127.0.0.1");
  EXPECT_EQ(AskedAddress("::"), "::1");
  EXPECT_EQ(AskedAddress("10.1.2.3"), "10.1.2.3");
}

}  // namespace
}  // namespace winnow::service
