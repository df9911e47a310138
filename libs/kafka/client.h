// Internal to libs/kafka: librdkafka's objects with owners, its errors as ours, its settings from a
// ClientConfig. Not to be included from other rooms.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::kafka {

// ---- owners --------------------------------------------------------------------------------

struct DestroyRdKafka {
  // Of a consumer: close it first (rd_kafka_consumer_close) if it is to leave its group in order.
  void operator()(rd_kafka_t* client) const {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
  void operator()(rd_kafka_consumer_group_metadata_t* metadata) const {
    rd_kafka_consumer_group_metadata_destroy(metadata);
  }
};

using RdClient = std::unique_ptr<rd_kafka_t, DestroyRdKafka>;
using RdMessage = std::unique_ptr<rd_kafka_message_t, DestroyRdKafka>;
using RdPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyRdKafka>;
using RdError = std::unique_ptr<rd_kafka_error_t, DestroyRdKafka>;
using RdHeaders = std::unique_ptr<rd_kafka_headers_t, DestroyRdKafka>;
using RdGroup = std::unique_ptr<rd_kafka_consumer_group_metadata_t, DestroyRdKafka>;

// ---- making clients ------------------------------------------------------------------------

// Names and values of librdkafka; later ones win.
using Settings = std::vector<std::pair<std::string, std::string>>;

// What a client calls back. OnLog and OnError may come from librdkafka's threads, the others come
// from the thread that polls. Must outlive the client.
class ClientListener {
 public:
  virtual ~ClientListener() = default;
  virtual void OnDelivery(const rd_kafka_message_t&) {}
  // Must assign or unassign.
  virtual void OnRebalance(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*) {}
  virtual void OnError(rd_kafka_resp_err_t, std::string_view /*reason*/) {}
  virtual void OnLog(int /*syslog_level*/, std::string_view /*text*/) {}
};

// Defaults for every client < `config.properties` < `settings`. `listener` may be null: then
// delivery reports are not asked for and logs are dropped. For consumers the rebalance callback is
// set only with Rebalance::kListener. kConfig, without secrets in the message, for a property that
// librdkafka does not take or that delivery rests on.
enum class Rebalance { kLibrary, kListener };
Result<RdClient> NewClient(rd_kafka_type_t type, const ClientConfig& config,
                           const Settings& settings, ClientListener* listener = nullptr,
                           Rebalance rebalance = Rebalance::kLibrary);

// ---- errors --------------------------------------------------------------------------------

// kConfig: credentials, rights, topics that are not there; kInput: a message the broker does not
// take; kUnavailable: everything else. `what` is the beginning of the message: "cannot read
// images.raw".
Error ToError(rd_kafka_resp_err_t code, std::string_view what, std::string_view detail = {});

// `text` with the values of secret properties (passwords, keys) replaced.
std::string Redacted(std::string text, const ClientConfig& config);

// ---- asking --------------------------------------------------------------------------------

// Number of partitions, nullopt if there is no such topic. Never creates it.
Result<std::optional<int>> PartitionCount(rd_kafka_t* client, const std::string& topic,
                                          std::chrono::milliseconds timeout);

struct Watermarks {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
Result<Watermarks> QueryWatermarks(rd_kafka_t* client, const std::string& topic, int partition,
                                   std::chrono::milliseconds timeout);

// ---- partition lists -----------------------------------------------------------------------

RdPartitions NewPartitions();
void Add(rd_kafka_topic_partition_list_t* list, const std::string& topic, int partition,
         std::int64_t offset = RD_KAFKA_OFFSET_INVALID);

// ---- messages ------------------------------------------------------------------------------

std::string_view ValueOf(const rd_kafka_message_t& message);
std::optional<std::string_view> KeyOf(const rd_kafka_message_t& message);
// The last header of that name; valid as long as the message.
std::optional<std::string_view> HeaderOf(const rd_kafka_message_t& message,
                                         std::string_view name);

}  // namespace winnow::kafka
