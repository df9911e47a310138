#include "libs/kafka/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::kafka {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ClientTest, RefusesPropertiesThatDeliveryRestsOn) {
  for (const char* name : {"isolation.level", "enable.auto.commit", "transactional.id", "acks",
                           "group.id", "max.in.flight", "bootstrap.servers"}) {
    const Status checked = CheckProperties({.brokers = "b:9092", .properties = {{name, "1"}}});
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::kConfig);
    EXPECT_THAT(checked.error().message, HasSubstr(name));
  }
}

TEST(ClientTest, TakesSecurityPropertiesAndTimeouts) {
  EXPECT_TRUE(CheckProperties({.brokers = "b:9092",
                               .properties = {{"security.protocol", "SASL_SSL"},
                                              {"sasl.mechanisms", "SCRAM-SHA-256"},
                                              {"sasl.username", "u"},
                                              {"sasl.password", "p"},
                                              {"socket.timeout.ms", "10000"}}}));
}

TEST(ClientTest, NamesAPropertyItDoesNotKnow) {
  const Status checked =
      CheckProperties({.brokers = "b:9092", .properties = {{"no.such.thing", "1"}}});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kConfig);
  EXPECT_THAT(checked.error().message, HasSubstr("no.such.thing"));
}

TEST(ClientTest, WantsBrokers) {
  const Status checked = CheckProperties({});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kConfig);
}

TEST(ClientTest, KeepsSecretsOutOfErrors) {
  const ClientConfig config = {.brokers = "b:9092",
                               .properties = {{"ssl.key.pem", "hunter2-hunter2"},
                                              {"security.protocol", "SSL"}}};
  const auto client = NewClient(RD_KAFKA_PRODUCER, config, {});
  ASSERT_FALSE(client) << "it is not a key";
  EXPECT_THAT(client.error().message, Not(HasSubstr("hunter2")));
  EXPECT_EQ(Redacted("key hunter2-hunter2!", config), "key ***!");
}

TEST(ClientTest, SaysWhatToDoAboutAnError) {
  EXPECT_EQ(ToError(RD_KAFKA_RESP_ERR__TRANSPORT, "x").code, ErrorCode::kUnavailable);
  EXPECT_EQ(ToError(RD_KAFKA_RESP_ERR__TIMED_OUT, "x").code, ErrorCode::kUnavailable);
  EXPECT_EQ(ToError(RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "x").code, ErrorCode::kConfig);
  EXPECT_EQ(ToError(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "x").code, ErrorCode::kConfig);
  EXPECT_EQ(ToError(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "x").code, ErrorCode::kInput);
}

}  // namespace
}  // namespace winnow::kafka
