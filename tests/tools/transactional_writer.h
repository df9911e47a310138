// Transactions, left open or not, as a service's producer makes them.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <string>
#include <utility>

#include "libs/kafka/client.h"

namespace winnow::tools {

class TransactionalWriter {
 public:
  TransactionalWriter(const kafka::ClientConfig& config, const std::string& id, std::string topic)
      : topic_(std::move(topic)) {
    auto client = kafka::NewClient(RD_KAFKA_PRODUCER, config, {{"transactional.id", id}});
    EXPECT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
    EXPECT_EQ(rd_kafka_init_transactions(client_.get(), kTimeoutMs), nullptr);
  }

  // So many messages; the broker has them on return.
  void Begin(int messages) {
    ASSERT_EQ(rd_kafka_begin_transaction(client_.get()), nullptr);
    rd_kafka_topic_t* const topic = rd_kafka_topic_new(client_.get(), topic_.c_str(), nullptr);
    std::string value = "x";
    for (int i = 0; i < messages; ++i) {
      ASSERT_EQ(rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value.data(), value.size(),
                                 nullptr, 0, nullptr),
                0);
    }
    ASSERT_EQ(rd_kafka_flush(client_.get(), kTimeoutMs), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(topic);
  }
  void Commit() { ASSERT_EQ(rd_kafka_commit_transaction(client_.get(), kTimeoutMs), nullptr); }
  void Abort() { ASSERT_EQ(rd_kafka_abort_transaction(client_.get(), kTimeoutMs), nullptr); }

 private:
  static constexpr int kTimeoutMs = 30'000;

  const std::string topic_;
  kafka::RdClient client_;
};

}  // namespace winnow::tools
