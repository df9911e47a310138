#include "libs/kafka/client.h"

#include <fmt/format.h>

#include <array>

namespace winnow::kafka {
namespace {

// Winnow sets these itself or depends on librdkafka's default.
constexpr std::array kRefused = {
    "acks", "auto.commit.enable", "auto.commit.interval.ms", "auto.offset.reset",
    "background_event_cb", "bootstrap.servers", "consume_cb", "delivery.timeout.ms", "dr_cb",
    "dr_msg_cb", "enable.auto.commit", "enable.auto.offset.store", "enable.gapless.guarantee",
    "enable.idempotence", "enable.partition.eof", "enabled_events", "error_cb", "group.id",
    "group.instance.id", "group.protocol.type", "isolation.level", "log_cb",
    "max.in.flight", "max.in.flight.requests.per.connection", "max.poll.interval.ms",
    "message.send.max.retries", "message.timeout.ms", "metadata.broker.list", "opaque",
    "partition.assignment.strategy", "partitioner", "plugin.library.paths", "queuing.strategy",
    "rebalance_cb", "request.required.acks", "retries", "session.timeout.ms",
    "transaction.timeout.ms", "transactional.id"};

bool IsRefused(std::string_view name) {
  for (const std::string_view refused : kRefused) {
    if (name == refused) return true;
  }
  return false;
}

bool IsSecret(std::string_view name) {
  for (const std::string_view part :
       {"password", "secret", "key.pem", "jaas", "oauthbearer.config"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

// The producer's and the consumer's memory are bounded here; who needs other bounds sets them.
const Settings& Defaults() {
  static const Settings settings = {
      {"client.id", "winnow"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "2000"},
      {"allow.auto.create.topics", "false"},
      {"topic.metadata.refresh.interval.ms", "30000"}};
  return settings;
}

ClientListener& ListenerOf(void* opaque) { return *static_cast<ClientListener*>(opaque); }

void Delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  ListenerOf(opaque).OnDelivery(*message);
}
void Rebalanced(rd_kafka_t* client, rd_kafka_resp_err_t code,
                rd_kafka_topic_partition_list_t* partitions, void* opaque) {
  ListenerOf(opaque).OnRebalance(client, code, partitions);
}
void Failed(rd_kafka_t*, int code, const char* reason, void* opaque) {
  ListenerOf(opaque).OnError(static_cast<rd_kafka_resp_err_t>(code), reason);
}
void Logged(const rd_kafka_t* client, int level, const char*, const char* text) {
  if (void* opaque = rd_kafka_opaque(client)) ListenerOf(opaque).OnLog(level, text);
}

class Conf {
 public:
  Conf() : conf_(rd_kafka_conf_new()) {}
  ~Conf() {
    if (conf_ != nullptr) rd_kafka_conf_destroy(conf_);
  }
  Conf(const Conf&) = delete;
  Conf& operator=(const Conf&) = delete;

  Status Set(const std::string& name, const std::string& value) {
    std::array<char, 512> text{};
    if (rd_kafka_conf_set(conf_, name.c_str(), value.c_str(), text.data(), text.size()) ==
        RD_KAFKA_CONF_OK) {
      return {};
    }
    if (IsSecret(name)) {
      return ConfigError(fmt::format("the Kafka property {} has a value it cannot have", name));
    }
    return ConfigError(fmt::format("the Kafka property {} cannot be set: {}", name, text.data()));
  }

  rd_kafka_conf_t* get() { return conf_; }
  void Release() { conf_ = nullptr; }

 private:
  rd_kafka_conf_t* conf_;
};

Status SetUserProperties(Conf& conf, const ClientConfig& config) {
  for (const auto& [name, value] : config.properties) {
    if (IsRefused(name)) {
      return ConfigError(fmt::format(
          "the Kafka property {} cannot be set: delivery rests on the value Winnow gives it",
          name));
    }
    WINNOW_RETURN_IF_ERROR(conf.Set(name, value));
  }
  return {};
}

Status Fill(Conf& conf, const ClientConfig& config, const Settings& settings) {
  if (config.brokers.empty()) {
    return ConfigError("no Kafka brokers are given: set them as host:port,host:port");
  }
  for (const auto& [name, value] : Defaults()) WINNOW_RETURN_IF_ERROR(conf.Set(name, value));
  WINNOW_RETURN_IF_ERROR(SetUserProperties(conf, config));
  WINNOW_RETURN_IF_ERROR(conf.Set("bootstrap.servers", config.brokers));
  for (const auto& [name, value] : settings) WINNOW_RETURN_IF_ERROR(conf.Set(name, value));
  return {};
}

void SetCallbacks(Conf& conf, rd_kafka_type_t type, ClientListener* listener,
                  Rebalance rebalance) {
  rd_kafka_conf_set_log_cb(conf.get(), Logged);
  if (listener == nullptr) return;
  rd_kafka_conf_set_opaque(conf.get(), listener);
  rd_kafka_conf_set_error_cb(conf.get(), Failed);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), Delivered);
  if (rebalance == Rebalance::kListener) rd_kafka_conf_set_rebalance_cb(conf.get(), Rebalanced);
}

ErrorCode CodeOf(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return ErrorCode::kConfig;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return ErrorCode::kInput;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Result<RdClient> NewClient(rd_kafka_type_t type, const ClientConfig& config,
                           const Settings& settings, ClientListener* listener,
                           Rebalance rebalance) {
  Conf conf;
  WINNOW_RETURN_IF_ERROR(Fill(conf, config, settings));
  SetCallbacks(conf, type, listener, rebalance);
  std::array<char, 512> text{};
  RdClient client(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (!client) {
    return ConfigError(fmt::format("cannot make a Kafka client: {}",
                                   Redacted(std::string(text.data()), config)));
  }
  conf.Release();  // the client owns it now
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client.get());
  return client;
}

Status CheckProperties(const ClientConfig& config) {
  Conf conf;
  return Fill(conf, config, {});
}

Error ToError(rd_kafka_resp_err_t code, std::string_view what, std::string_view detail) {
  std::string message = fmt::format("{}: {}", what, rd_kafka_err2str(code));
  if (!detail.empty() && detail != rd_kafka_err2str(code)) message += fmt::format(" ({})", detail);
  return {CodeOf(code), std::move(message)};
}

std::string Redacted(std::string text, const ClientConfig& config) {
  for (const auto& [name, value] : config.properties) {
    if (!IsSecret(name) || value.empty()) continue;
    for (std::size_t at = text.find(value); at != std::string::npos;
         at = text.find(value, at + 3)) {
      text.replace(at, value.size(), "***");
    }
  }
  return text;
}

Result<std::optional<int>> PartitionCount(rd_kafka_t* client, const std::string& topic,
                                          std::chrono::milliseconds timeout) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  if (handle == nullptr) return ToError(rd_kafka_last_error(), "cannot ask for topic " + topic);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(client, 0, handle, &metadata, static_cast<int>(timeout.count()));
  rd_kafka_topic_destroy(handle);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "cannot ask for topic " + topic);
  const std::unique_ptr<const rd_kafka_metadata_t, void (*)(const rd_kafka_metadata_t*)> owner(
      metadata, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1) return std::optional<int>();
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return std::optional<int>();
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ToError(found.err, "cannot ask for topic " + topic);
  }
  return std::optional<int>(found.partition_cnt);
}

Result<Watermarks> QueryWatermarks(rd_kafka_t* client, const std::string& topic, int partition,
                                   std::chrono::milliseconds timeout) {
  Watermarks marks;
  const rd_kafka_resp_err_t code =
      rd_kafka_query_watermark_offsets(client, topic.c_str(), partition, &marks.low, &marks.high,
                                       static_cast<int>(timeout.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ToError(code, fmt::format("cannot ask for the offsets of {}/{}", topic, partition));
  }
  return marks;
}

RdPartitions NewPartitions() { return RdPartitions(rd_kafka_topic_partition_list_new(8)); }

void Add(rd_kafka_topic_partition_list_t* list, const std::string& topic, int partition,
         std::int64_t offset) {
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
}

std::string_view ValueOf(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.len};
}

std::optional<std::string_view> KeyOf(const rd_kafka_message_t& message) {
  if (message.key == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(message.key), message.key_len);
}

std::optional<std::string_view> HeaderOf(const rd_kafka_message_t& message,
                                         std::string_view name) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return std::nullopt;
  }
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, std::string(name).c_str(), &value, &size) !=
          RD_KAFKA_RESP_ERR_NO_ERROR ||
      value == nullptr) {
    return std::nullopt;
  }
  return std::string_view(static_cast<const char*>(value), size);
}

}  // namespace winnow::kafka
