#include "libs/kafka/stage_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

namespace winnow::kafka {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::string_view kRemedy = "run `winnow topics apply`";

Result<int> PartitionsOf(rd_kafka_t* client, const std::string& topic) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<int> count,
                          PartitionCount(client, topic, kPatience));
  if (count && *count > 0) return *count;
  return ConfigError(fmt::format("topic {} does not exist: {}", topic, kRemedy));
}

Status InspectPartitions(rd_kafka_t* client, StageTopics& topics) {
  WINNOW_ASSIGN_OR_RETURN(topics.partitions, PartitionsOf(client, topics.input));
  for (const auto& [kind, name] : topics.outputs) {
    WINNOW_RETURN_IF_ERROR(PartitionsOf(client, name));
  }
  if (topics.changelog.empty()) return {};
  WINNOW_ASSIGN_OR_RETURN(const int changelog, PartitionsOf(client, topics.changelog));
  if (changelog == topics.partitions) return {};
  return ConfigError(fmt::format(
      "topic {} has {} partitions and {} has {}: a stage's changelog needs as many as its input; "
      "correct the topics file and {}",
      topics.changelog, changelog, topics.input, topics.partitions, kRemedy));
}

std::uint64_t NumberOf(const char* text, std::uint64_t otherwise) {
  const std::string_view view = text == nullptr ? std::string_view() : std::string_view(text);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  return error == std::errc() && end == view.data() + view.size() ? number : otherwise;
}

std::uint64_t MaxMessageBytes(const rd_kafka_ConfigResource_t* resource) {
  constexpr std::uint64_t kDefault = 1u << 20;
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (std::string_view(rd_kafka_ConfigEntry_name(entries[i])) != "max.message.bytes") continue;
    return NumberOf(rd_kafka_ConfigEntry_value(entries[i]), kDefault);
  }
  return kDefault;
}

using Limits = std::map<std::string, std::uint64_t, std::less<>>;

Limits LimitsOf(rd_kafka_event_t* event) {
  Limits limits;
  const rd_kafka_DescribeConfigs_result_t* result = rd_kafka_event_DescribeConfigs_result(event);
  if (result == nullptr || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return limits;
  }
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_DescribeConfigs_result_resources(result, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (rd_kafka_ConfigResource_error(resources[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    limits[rd_kafka_ConfigResource_name(resources[i])] = MaxMessageBytes(resources[i]);
  }
  return limits;
}

// Without the right to describe, Kafka's default of 1 MiB is assumed.
Limits AskLimits(rd_kafka_t* client, const std::vector<std::string>& names) {
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const std::string& name : names) {
    resources.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
  }
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_DescribeConfigs(client, resources.data(), resources.size(), nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, static_cast<int>(kPatience.count()));
  Limits limits;
  if (event != nullptr) {
    limits = LimitsOf(event);
    rd_kafka_event_destroy(event);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
  return limits;
}

void InspectLimits(rd_kafka_t* client, StageTopics& topics) {
  std::vector<std::string> names;
  for (const auto& [kind, name] : topics.outputs) names.push_back(name);
  if (!topics.changelog.empty()) names.push_back(topics.changelog);
  const Limits limits = AskLimits(client, names);
  for (const auto& [kind, name] : topics.outputs) {
    if (const auto limit = limits.find(name); limit != limits.end()) {
      topics.max_message_bytes[kind] = limit->second;
    }
  }
  if (const auto limit = limits.find(topics.changelog); limit != limits.end()) {
    topics.changelog_max_bytes = limit->second;
  }
}

}  // namespace

std::uint64_t StageTopics::largest_message() const {
  std::uint64_t largest = std::max<std::uint64_t>(changelog_max_bytes, 1u << 20);
  for (const auto& [kind, limit] : max_message_bytes) largest = std::max(largest, limit);
  return largest;
}

std::uint64_t StageTopics::smallest_limit() const {
  std::uint64_t smallest = std::min<std::uint64_t>(changelog_max_bytes, 1u << 20);
  for (const auto& [kind, limit] : max_message_bytes) smallest = std::min(smallest, limit);
  return smallest;
}

StageTopics NamesOf(const StageOptions& options) {
  StageTopics topics;
  topics.group = GroupName(options.stage, options.topic_prefix);
  topics.transactional_id = fmt::format("{}/{}", topics.group, options.instance);
  topics.input = TopicName(options.input, options.topic_prefix);
  topics.outputs[options.output] = TopicName(options.output, options.topic_prefix);
  for (const Topic topic : options.beside) {
    topics.outputs[topic] = TopicName(topic, options.topic_prefix);
  }
  if (options.stateful) topics.changelog = ChangelogName(options.stage, options.topic_prefix);
  return topics;
}

Status Inspect(rd_kafka_t* client, StageTopics& topics) {
  WINNOW_RETURN_IF_ERROR(InspectPartitions(client, topics));
  InspectLimits(client, topics);
  char* cluster = rd_kafka_clusterid(client, static_cast<int>(kPatience.count()));
  if (cluster == nullptr) return UnavailableError("the broker does not say its cluster id");
  topics.cluster = cluster;
  rd_kafka_mem_free(client, cluster);
  return {};
}

Status AwaitCluster(const ClientConfig& config, StageTopics& topics, Reachability& reachable,
                    const std::atomic<bool>* stop, const std::function<void()>& report) {
  RefusalListener refusals(reachable);
  WINNOW_ASSIGN_OR_RETURN(
      const RdClient client,
      NewClient(RD_KAFKA_CONSUMER, config, {{"group.id", topics.group}}, &refusals));
  while (true) {
    const Status seen = Inspect(client.get(), topics);
    if (seen) break;
    if (seen.error().code != ErrorCode::kUnavailable) return seen;
    if (stop != nullptr && stop->load()) {
      return CancelledError("stopped before the broker answered");
    }
    rd_kafka_poll(client.get(), 0);
    if (const auto refused = refusals.refused()) return *refused;
    report();
  }
  reachable.Answered();
  return {};
}

}  // namespace winnow::kafka
