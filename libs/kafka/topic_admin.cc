// What the cluster has of a declaration, and making what it lacks. The file: topic_file.cc.
#include "libs/kafka/topic_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "libs/kafka/admin.h"
#include "libs/kafka/log_reader.h"

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct DestroyTopicRequests {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
  void operator()(rd_kafka_ConfigResource_t* resource) const {
    rd_kafka_ConfigResource_destroy(resource);
  }
};
using RdNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, DestroyTopicRequests>;
using RdConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, DestroyTopicRequests>;

// librdkafka takes arrays of plain pointers.
template <class T, class Owner>
std::vector<T*> Pointers(const std::vector<Owner>& owners) {
  std::vector<T*> pointers;
  for (const Owner& owner : owners) pointers.push_back(owner.get());
  return pointers;
}

// A topic as the cluster has it.
struct Existing {
  int partitions = 0;
  int replication = 0;
  bool led = false;  // all partitions have a leader
  std::map<std::string, std::string> configs{};
};

class TopicAdmin {
 public:
  static Result<std::unique_ptr<TopicAdmin>> Connect(const ClientConfig& config,
                                                     const std::string& prefix) {
    auto admin = std::unique_ptr<TopicAdmin>(new TopicAdmin(config, prefix));
    WINNOW_ASSIGN_OR_RETURN(admin->client_, NewClient(RD_KAFKA_PRODUCER, config, {},
                                                      &admin->complaint_));
    return admin;
  }

  Result<std::vector<TopicFinding>> Run(const std::vector<TopicDeclaration>& topics,
                                        TopicMode mode) {
    auto findings = TryRun(topics, mode);
    if (!findings) return complaint_.Explain(findings.error(), config_, client_.get());
    return findings;
  }

 private:
  TopicAdmin(const ClientConfig& config, std::string prefix)
      : config_(config), prefix_(std::move(prefix)) {}

  std::string Full(const TopicDeclaration& topic) const { return prefix_ + topic.name; }

  Result<std::vector<TopicFinding>> TryRun(const std::vector<TopicDeclaration>& topics,
                                           TopicMode mode);
  Result<std::map<std::string, Existing>> FindTopics();
  Status DescribeConfigs(const std::vector<TopicDeclaration>& topics,
                         std::map<std::string, Existing>& existing);
  Result<RdNewTopic> RequestFor(const TopicDeclaration& topic) const;
  Status Create(const std::vector<TopicDeclaration>& topics);
  Status AwaitLeaders(const std::vector<TopicDeclaration>& topics);

  const ClientConfig config_;
  const std::string prefix_;
  LastComplaint complaint_{};
  RdClient client_{};
};

Result<std::map<std::string, Existing>> TopicAdmin::FindTopics() {
  WINNOW_ASSIGN_OR_RETURN(const RdMetadata metadata,
                          AskMetadata(client_.get(), complaint_, "cannot list topics"));
  std::map<std::string, Existing> existing;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    Existing found{.partitions = topic.partition_cnt, .led = topic.partition_cnt > 0};
    for (int p = 0; p < topic.partition_cnt; ++p) {
      found.led = found.led && topic.partitions[p].leader >= 0;
      found.replication = std::max(found.replication, topic.partitions[p].replica_cnt);
    }
    existing.emplace(topic.topic, std::move(found));
  }
  return existing;
}

Status ReadConfigs(const rd_kafka_ConfigResource_t* resource,
                   std::map<std::string, Existing>& existing) {
  const std::string topic = rd_kafka_ConfigResource_name(resource);
  if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resource);
      code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* const detail = rd_kafka_ConfigResource_error_string(resource);
    return ToError(code, fmt::format("cannot read the settings of {}", topic),
                   detail == nullptr ? "" : detail);
  }
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** const entries =
      rd_kafka_ConfigResource_configs(resource, &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    existing[topic].configs[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
  }
  return {};
}

Status TopicAdmin::DescribeConfigs(const std::vector<TopicDeclaration>& topics,
                                   std::map<std::string, Existing>& existing) {
  std::vector<RdConfigResource> resources;
  for (const TopicDeclaration& topic : topics) {
    if (!existing.contains(Full(topic))) continue;
    resources.emplace_back(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, Full(topic).c_str()));
  }
  if (resources.empty()) return {};
  auto pointers = Pointers<rd_kafka_ConfigResource_t>(resources);
  WINNOW_ASSIGN_OR_RETURN(
      const RdEvent event,
      AskAdmin(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "cannot read topic settings",
               [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                 rd_kafka_DescribeConfigs(client_.get(), pointers.data(), pointers.size(), options,
                                          queue);
               }));
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** const answers = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    WINNOW_RETURN_IF_ERROR(ReadConfigs(answers[i], existing));
  }
  return {};
}

Result<RdNewTopic> TopicAdmin::RequestFor(const TopicDeclaration& topic) const {
  std::array<char, 256> text{};
  RdNewTopic request(rd_kafka_NewTopic_new(Full(topic).c_str(), topic.partitions,
                                           topic.replication, text.data(), text.size()));
  if (!request) return ConfigError(fmt::format("{} cannot be made: {}", Full(topic), text.data()));
  for (const auto& [name, value] : topic.configs) {
    rd_kafka_NewTopic_set_config(request.get(), name.c_str(), value.c_str());
  }
  return request;
}

// A broker that refuses a topic, refuses it for what the declaration says.
Status CreatedOrError(const rd_kafka_topic_result_t* result) {
  const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
  // Somebody else was quicker, with the same file, it is hoped; `check` tells.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    return {};
  }
  const char* const detail = rd_kafka_topic_result_error_string(result);
  Error error = ToError(code,
                        fmt::format("cannot create {}", rd_kafka_topic_result_name(result)),
                        detail == nullptr ? "" : detail);
  if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR) {
    error.message += "; a cluster of fewer brokers needs --replication";
  }
  if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR ||
      code == RD_KAFKA_RESP_ERR_INVALID_CONFIG || code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS ||
      code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION) {
    error.code = ErrorCode::kConfig;
  }
  return error;
}

Status TopicAdmin::Create(const std::vector<TopicDeclaration>& topics) {
  std::vector<RdNewTopic> requests;
  for (const TopicDeclaration& topic : topics) {
    WINNOW_ASSIGN_OR_RETURN(RdNewTopic request, RequestFor(topic));
    requests.push_back(std::move(request));
  }
  auto pointers = Pointers<rd_kafka_NewTopic_t>(requests);
  WINNOW_ASSIGN_OR_RETURN(
      const RdEvent event,
      AskAdmin(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, "cannot create topics",
               [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                 rd_kafka_CreateTopics(client_.get(), pointers.data(), pointers.size(), options,
                                       queue);
               }));
  std::size_t count = 0;
  const rd_kafka_topic_result_t** const results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) WINNOW_RETURN_IF_ERROR(CreatedOrError(results[i]));
  return AwaitLeaders(topics);
}

// Created is not yet usable: leaders are chosen and told a moment later.
Status TopicAdmin::AwaitLeaders(const std::vector<TopicDeclaration>& topics) {
  const auto deadline = SteadyClock::now() + kAskTimeout;
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const auto existing, FindTopics());
    const auto led = [&](const TopicDeclaration& topic) {
      const auto found = existing.find(Full(topic));
      return found != existing.end() && found->second.led;
    };
    if (std::all_of(topics.begin(), topics.end(), led)) break;
    if (SteadyClock::now() > deadline) {
      return UnavailableError("topics were created but their partitions have no leaders yet");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // Told to clients does not mean that they know it themselves: ask each of them.
  WINNOW_ASSIGN_OR_RETURN(const auto reader, NewLogReader(config_));
  for (const TopicDeclaration& topic : topics) {
    WINNOW_RETURN_IF_ERROR(reader->RangesOf(Full(topic)));
  }
  return {};
}

std::optional<std::string> SettingDifference(const std::string& name, const std::string& declared,
                                             const std::map<std::string, std::string>& configs) {
  const auto found = configs.find(name);
  if (found == configs.end()) return fmt::format("the broker knows no setting {}", name);
  if (found->second == declared) return std::nullopt;
  return fmt::format("has {}={}, declared is {}: change it with kafka-configs --alter, or the "
                     "declaration",
                     name, found->second, declared);
}

std::vector<std::string> Differences(const TopicDeclaration& declared, const Existing& existing) {
  std::vector<std::string> differences;
  if (existing.partitions != declared.partitions) {
    differences.push_back(fmt::format(
        "has {} partitions, declared are {}: changing their number moves keys, so drain the "
        "pipeline and make the topic anew, or change the declaration",
        existing.partitions, declared.partitions));
  }
  if (existing.replication != declared.replication) {
    differences.push_back(fmt::format(
        "has {} replicas, declared are {}: change them with kafka-reassign-partitions, or the "
        "declaration (--replication)",
        existing.replication, declared.replication));
  }
  for (const auto& [name, value] : declared.configs) {
    if (auto difference = SettingDifference(name, value, existing.configs)) {
      differences.push_back(std::move(*difference));
    }
  }
  return differences;
}

Result<std::vector<TopicFinding>> TopicAdmin::TryRun(const std::vector<TopicDeclaration>& topics,
                                                     TopicMode mode) {
  WINNOW_ASSIGN_OR_RETURN(auto existing, FindTopics());
  WINNOW_RETURN_IF_ERROR(DescribeConfigs(topics, existing));
  std::vector<TopicFinding> findings;
  std::vector<TopicDeclaration> missing;
  for (const TopicDeclaration& topic : topics) {
    const auto found = existing.find(Full(topic));
    if (found == existing.end()) {
      missing.push_back(topic);
      const bool create = mode == TopicMode::kApply;
      findings.push_back({Full(topic),
                          create ? fmt::format("created with {} partitions", topic.partitions)
                                 : "is missing: create it with winnow topics apply",
                          create});
      continue;
    }
    for (std::string& what : Differences(topic, found->second)) {
      findings.push_back({Full(topic), std::move(what)});
    }
  }
  if (mode == TopicMode::kApply && !missing.empty()) WINNOW_RETURN_IF_ERROR(Create(missing));
  return findings;
}

}  // namespace

Result<std::vector<TopicFinding>> ApplyTopics(const ClientConfig& client,
                                              const std::string& prefix,
                                              const std::vector<TopicDeclaration>& topics,
                                              TopicMode mode) {
  WINNOW_ASSIGN_OR_RETURN(const auto admin, TopicAdmin::Connect(client, prefix));
  return admin->Run(topics, mode);
}

}  // namespace winnow::kafka
