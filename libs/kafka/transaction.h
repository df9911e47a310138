// Internal to libs/kafka: a transactional producer whose every failure says what to do about it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/kafka/client.h"
#include "libs/kafka/client_config.h"
#include "libs/kafka/reachability.h"

namespace winnow::kafka {

struct TransactionFailure {
  enum class Remedy {
    kAbort,        // Abort, then judge again
    kNewProducer,  // what became of the transaction is unknown: Renew, then ask the group's offsets
    kGiveUp,       // fenced, or a person must act
  };
  Remedy remedy = Remedy::kAbort;
  Error error;
  bool fenced = false;  // then kGiveUp
};

using TransactionStatus = tl::expected<void, TransactionFailure>;

struct TransactionOptions {
  ClientConfig client;
  std::string transactional_id;
  std::chrono::milliseconds timeout{60'000};
  std::uint64_t max_message_bytes = 1u << 20;
  std::uint64_t max_batch_bytes = 1'000'000;
};

// One message. Key and value are not copied: they must live until Commit or Abort has
// succeeded, or Renew or Close was called.
struct ProducerMessage {
  const std::string* topic = nullptr;
  std::optional<int> partition = std::nullopt;  // else by the key's murmur2
  std::optional<std::string_view> key = std::nullopt;
  std::optional<std::string_view> value = std::nullopt;  // nullopt: a tombstone
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;
  Timestamp time{};
  std::int64_t* greatest_offset = nullptr;  // takes the offset it got, if that is greater
};

// One thread.
class TransactionalProducer : private ClientListener {
 public:
  // `reachable` and `give_up` must outlive it: the first is told what the client complains of, the
  // second, once set, ends waits for the broker.
  TransactionalProducer(TransactionOptions options, Reachability* reachable,
                        const std::atomic<bool>* give_up);
  ~TransactionalProducer() override;

  // A new client under the same transactional id: ends the transaction its predecessor left open,
  // and shuts that predecessor out. Waits for the broker. kConfig, or kCancelled by `give_up`.
  Status Renew();

  // Lets go of everything that was produced. Only Renew may follow.
  void Close();

  TransactionStatus Begin();
  TransactionStatus Produce(const ProducerMessage& message);
  // Until every message was taken by its broker.
  TransactionStatus Flush();
  TransactionStatus SendOffsets(const rd_kafka_topic_partition_list_t* offsets,
                                const rd_kafka_consumer_group_metadata_t* group);
  TransactionStatus Commit();
  TransactionStatus Abort();
  // For one who gives up: one attempt, at most this long; nothing depends on it.
  void AbortIfPossible(std::chrono::milliseconds patience);

 private:
  void OnDelivery(const rd_kafka_message_t& message) override;
  void OnError(rd_kafka_resp_err_t code, std::string_view reason) override;

  template <class Call>
  TransactionStatus Try(std::string_view what, std::chrono::milliseconds patience,
                        TransactionFailure::Remedy when_late, const Call& call);
  TransactionFailure Classify(const rd_kafka_error_t& error, std::string_view what) const;
  RdError CauseOfFailure() const;
  TransactionFailure DeliveryFailure() const;
  rd_kafka_topic_t* TopicOf(const std::string& name);
  Result<RdHeaders> HeadersOf(const ProducerMessage& message) const;
  template <class Condition>
  void ServeDeliveries(const Condition& wanted);

  const TransactionOptions options_;
  Reachability* const reachable_;
  const std::atomic<bool>* const give_up_;
  RdClient client_;
  std::map<std::string, rd_kafka_topic_t*> topics_;
  std::uint64_t produced_ = 0;   // in this transaction
  std::uint64_t delivered_ = 0;  // of those, answered
  rd_kafka_resp_err_t failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // the first delivery that failed
  std::string failed_topic_;
};

}  // namespace winnow::kafka
