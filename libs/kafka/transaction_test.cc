// Error paths of the client alone, on librdkafka's mock cluster. It accepts transactions without
// giving them any effect: what delivery promises is tested on a real broker (tests/integration).
#include "libs/kafka/transaction.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka_mock.h>

#include <thread>

namespace winnow::kafka {
namespace {

using Remedy = TransactionFailure::Remedy;

// Kafka protocol guide: request types.
constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kInitProducerId = 22;
constexpr std::int16_t kAddOffsetsToTxn = 25;
constexpr std::int16_t kEndTxn = 26;

class TransactionTest : public testing::Test {
 protected:
  TransactionTest() {
    auto made = NewClient(RD_KAFKA_PRODUCER, {.brokers = "localhost:1", .properties = {}}, {});
    host_ = std::move(*made);
    cluster_ = rd_kafka_mock_cluster_new(host_.get(), 1);
    rd_kafka_mock_topic_create(cluster_, topic_.c_str(), 1, 1);
    options_.client.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options_.transactional_id = "t";
    options_.timeout = std::chrono::milliseconds(5000);
    // Groups without members are not checked.
    group_.reset(rd_kafka_consumer_group_metadata_new("g"));
    offsets_ = NewPartitions();
    Add(offsets_.get(), topic_, 0, 1);
  }
  ~TransactionTest() override { rd_kafka_mock_cluster_destroy(cluster_); }

  template <class... Errors>
  void Answer(std::int16_t request, Errors... errors) {
    rd_kafka_mock_push_request_errors(cluster_, request, sizeof...(errors), errors...);
  }

  // Begins and sends one message.
  TransactionStatus Open(TransactionalProducer& producer) {
    if (auto status = producer.Begin(); !status) return status;
    return producer.Produce({.topic = &topic_, .partition = 0, .key = "k", .value = "v"});
  }

  const std::string topic_ = "topic";
  RdClient host_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  TransactionOptions options_;
  Reachability reachable_;
  std::atomic<bool> give_up_{false};
  RdGroup group_;
  RdPartitions offsets_;
};

TEST_F(TransactionTest, OutlastsErrorsThatPass) {
  Answer(kInitProducerId, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
         RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  Answer(kAddOffsetsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
         RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
  Answer(kEndTxn, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
         RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  ASSERT_TRUE(producer.Renew());
  ASSERT_TRUE(Open(producer));
  EXPECT_TRUE(producer.SendOffsets(offsets_.get(), group_.get()));
  EXPECT_TRUE(producer.Flush());
  EXPECT_TRUE(producer.Commit());
}

TEST_F(TransactionTest, IsAbortedAndBegunAnewWhenAMessageFailsForGood) {
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  ASSERT_TRUE(producer.Renew());
  Answer(kProduce, RD_KAFKA_RESP_ERR_UNKNOWN);
  ASSERT_TRUE(Open(producer));
  const auto flushed = producer.Flush();
  const auto ended = flushed ? producer.Commit() : flushed;
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().remedy, Remedy::kAbort) << ended.error().error.message;
  const auto aborted = producer.Abort();
  ASSERT_TRUE(aborted) << aborted.error().error.message;
  // librdkafka may still be fetching a new producer epoch and purge what comes too early.
  bool committed = false;
  for (int i = 0; i < 5 && !committed; ++i) {
    ASSERT_TRUE(Open(producer));
    const auto sent = producer.Flush();
    committed = sent && producer.Commit();
    if (committed) break;
    ASSERT_TRUE(producer.Abort());
  }
  EXPECT_TRUE(committed);
}

TEST_F(TransactionTest, GivesUpOnAMessageTheTopicWillNeverTake) {
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  ASSERT_TRUE(producer.Renew());
  Answer(kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  ASSERT_TRUE(Open(producer));
  const auto flushed = producer.Flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().remedy, Remedy::kGiveUp);
  EXPECT_EQ(flushed.error().error.code, ErrorCode::kConfig);
}

TEST_F(TransactionTest, GivesUpWhenFenced) {
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  ASSERT_TRUE(producer.Renew());
  ASSERT_TRUE(Open(producer));
  ASSERT_TRUE(producer.Flush());
  Answer(kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
  const auto ended = producer.Commit();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().remedy, Remedy::kGiveUp);
  EXPECT_EQ(ended.error().error.code, ErrorCode::kUnavailable);
}

TEST_F(TransactionTest, IsRenewedWhenItsOutcomeIsUnknown) {
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  ASSERT_TRUE(producer.Renew());
  ASSERT_TRUE(Open(producer));
  ASSERT_TRUE(producer.Flush());
  Answer(kEndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
  const auto ended = producer.Commit();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().remedy, Remedy::kNewProducer);
  ASSERT_TRUE(producer.Renew());
  ASSERT_TRUE(Open(producer));
  EXPECT_TRUE(producer.Flush());
  EXPECT_TRUE(producer.Commit());
}

TEST_F(TransactionTest, StopsWaitingForABrokerWhenToldTo) {
  rd_kafka_mock_broker_set_down(cluster_, 1);
  TransactionalProducer producer(options_, &reachable_, &give_up_);
  give_up_ = true;
  const Status renewed = producer.Renew();
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace winnow::kafka
