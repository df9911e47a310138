#include "libs/kafka/admin.h"

#include <gtest/gtest.h>

namespace winnow::kafka {
namespace {

TEST(IsRefusalTest, KnowsWhatNoWaitingMends) {
  EXPECT_TRUE(IsRefusal(RD_KAFKA_RESP_ERR__AUTHENTICATION, "SASL authentication error"));
  EXPECT_TRUE(IsRefusal(RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed"));
  EXPECT_TRUE(IsRefusal(RD_KAFKA_RESP_ERR__TRANSPORT,
                        "error:0A000086:SSL routines::certificate verify failed (after 4ms)"));
  EXPECT_FALSE(IsRefusal(RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused"));
  EXPECT_FALSE(IsRefusal(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down"));
}

class LastComplaintTest : public testing::Test {
 protected:
  Error Explained() {
    return complaint_.Explain(UnavailableError("cannot ask"), config_, client_.get());
  }

  const ClientConfig config_{"127.0.0.1:1", {{"sasl.password", "hush"}}};
  LastComplaint complaint_{};
  // Not a listener of the client: only what the test says is complained of.
  const RdClient client_ = std::move(*NewClient(RD_KAFKA_PRODUCER, config_, {}));
};

TEST_F(LastComplaintTest, AddsWhatTheClientSaidLast) {
  EXPECT_EQ(Explained().message, "cannot ask");
  complaint_.OnError(RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused");
  complaint_.OnError(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
  EXPECT_EQ(Explained().message, "cannot ask (Connection refused)");
  EXPECT_EQ(Explained().code, ErrorCode::kUnavailable);
}

TEST_F(LastComplaintTest, RemembersARefusalThroughWhatFollowsFromIt) {
  complaint_.OnError(RD_KAFKA_RESP_ERR__AUTHENTICATION, "wrong password hush");
  complaint_.OnError(RD_KAFKA_RESP_ERR__TRANSPORT, "Disconnected");
  EXPECT_TRUE(complaint_.refused());
  EXPECT_EQ(Explained().code, ErrorCode::kConfig);
  EXPECT_EQ(Explained().message, "cannot ask (wrong password ***)");
}

TEST_F(LastComplaintTest, LeavesOtherErrorsAlone) {
  complaint_.OnError(RD_KAFKA_RESP_ERR__TRANSPORT, "Disconnected");
  EXPECT_EQ(complaint_.Explain(InputError("no such thing"), config_, client_.get()).message,
            "no such thing");
}

}  // namespace
}  // namespace winnow::kafka
