// Topics as a declaration: one file says what there should be, Apply makes it so and Check says
// where a cluster differs. File format: deploy/topics.yaml and README.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::kafka {

struct TopicDeclaration {
  std::string name;  // without prefix
  int partitions = 1;
  int replication = 1;
  std::map<std::string, std::string> configs;  // Kafka's names: retention.ms, cleanup.policy ...
};

// kConfig naming file, line and remedy: unknown keys, a topic of the pipeline that is missing, a
// changelog whose partitions differ from its stage's input, a raw topic without finite retention, a
// changelog that is not compacted.
Result<std::vector<TopicDeclaration>> LoadTopics(const std::string& path);

// One difference between declaration and cluster.
struct TopicFinding {
  std::string topic;
  std::string what;  // "has 3 partitions, declared are 6: ..."
  bool created = false;  // it was missing and is there now
};

enum class TopicMode { kApply, kCheck };

// kApply creates missing topics and leaves existing ones alone: partitions and settings that differ
// are findings in both modes, since changing the number of partitions moves keys.
Result<std::vector<TopicFinding>> ApplyTopics(const ClientConfig& client,
                                              const std::string& prefix,
                                              const std::vector<TopicDeclaration>& topics,
                                              TopicMode mode);

}  // namespace winnow::kafka
