// Internal to libs/kafka: the names a stage works under and what the cluster says of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "libs/base/result.h"
#include "libs/kafka/client.h"
#include "libs/kafka/client_config.h"
#include "libs/kafka/reachability.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/topics.h"

namespace winnow::kafka {

struct StageTopics {
  std::string group;
  std::string transactional_id;
  std::string input;
  std::map<Topic, std::string> outputs;  // every topic the stage may write, by kind
  std::string changelog;                 // empty for stages without state
  std::string cluster;
  int partitions = 0;  // of the input, and of the changelog
  std::map<Topic, std::uint64_t> max_message_bytes;
  std::uint64_t changelog_max_bytes = 1u << 20;

  std::uint64_t largest_message() const;
  std::uint64_t smallest_limit() const;
};

// Names alone.
StageTopics NamesOf(const StageOptions& options);

// Fills in what the cluster says, once. kConfig with the remedy for topics that are missing or
// whose partitions do not match; kUnavailable if no broker answers within a few seconds.
Status Inspect(rd_kafka_t* client, StageTopics& topics);

// Inspects as soon as a broker answers, however long that takes. `report` is called after each
// attempt. kConfig as above or if the broker refuses the client; kCancelled once `stop` is set.
Status AwaitCluster(const ClientConfig& config, StageTopics& topics, Reachability& reachable,
                    const std::atomic<bool>* stop, const std::function<void()>& report);

}  // namespace winnow::kafka
