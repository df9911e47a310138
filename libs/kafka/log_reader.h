// Reads topics from outside any group: for audits, replay and status.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::kafka {

// One message. Views are valid during the call that hands it over.
struct LogEntry {
  std::string_view topic;
  int partition = 0;
  std::int64_t offset = 0;
  Timestamp time{};
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt: a tombstone
  std::map<std::string, std::string> headers;
};

struct PartitionRange {
  int partition = 0;
  std::int64_t begin = 0;  // oldest offset the log still holds
  std::int64_t end = 0;    // one past the last stable one (all below is committed or aborted)
  std::int64_t high_watermark = 0;  // above `end` while a transaction is open
};

// The partitions of a topic. kConfig if it does not exist, kUnavailable if no broker answers.
Result<std::vector<PartitionRange>> RangesOf(const ClientConfig& client, const std::string& topic);

// Calls `visit` with every committed message of the topic that is there now, partition by
// partition, until it returns false.
Status ReadTopic(const ClientConfig& client, const std::string& topic,
                 const std::function<bool(const LogEntry&)>& visit);

// One message, committed or not; nullopt if the log does not hold it any more.
Status ReadOne(const ClientConfig& client, const std::string& topic, int partition,
               std::int64_t offset, const std::function<void(const LogEntry&)>& visit);

// Offsets a group has committed, by topic and partition; partitions without one are left out.
Result<std::map<int, std::int64_t>> CommittedOffsets(const ClientConfig& client,
                                                     const std::string& group,
                                                     const std::string& topic);

}  // namespace winnow::kafka
