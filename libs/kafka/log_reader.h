// Reads topics from outside any group: for audits, replay and status.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::kafka {

// The client asks for a group although it never joins one: it takes the right to describe this.
inline constexpr const char* kLogReaderGroup = "winnow-log-reader";

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

// A process in a consumer group.
struct GroupMember {
  std::string instance;  // static member id; the client id if it has none
  std::string host;
  std::map<std::string, std::vector<int>> partitions;  // assigned, by topic
};

// Visits messages; false ends the reading.
using VisitEntry = std::function<bool(const LogEntry&)>;

// Keeps its connections, for who asks often. One thread. Errors as those of the functions below;
// a reader that was given one can be used on.
class LogReader {
 public:
  virtual ~LogReader() = default;

  virtual Result<std::vector<PartitionRange>> RangesOf(const std::string& topic) = 0;
  // Tells clusters apart, also those with the same address one after the other.
  virtual Result<std::string> ClusterId() = 0;
  // Committed messages with offsets in [begin, end) of one partition, as far as they are there now.
  virtual Status ReadRange(const std::string& topic, int partition, std::int64_t begin,
                           std::int64_t end, const VisitEntry& visit) = 0;
  // Messages at these offsets (ascending), committed or not. Those the log does not hold any more
  // are passed over.
  virtual Status ReadOffsets(const std::string& topic, int partition,
                             const std::vector<std::int64_t>& offsets, const VisitEntry& visit) = 0;
  virtual Result<std::map<int, std::int64_t>> CommittedOffsets(const std::string& group,
                                                               const std::string& topic) = 0;
  // Empty for a group nobody is in.
  virtual Result<std::vector<GroupMember>> MembersOf(const std::string& group) = 0;
};

Result<std::unique_ptr<LogReader>> NewLogReader(const ClientConfig& client);

// The partitions of a topic. kConfig if it does not exist, kUnavailable if no broker answers.
Result<std::vector<PartitionRange>> RangesOf(const ClientConfig& client, const std::string& topic);

// Calls `visit` with every committed message of the topic that is there now, partition by
// partition, until it returns false.
Status ReadTopic(const ClientConfig& client, const std::string& topic,
                 const std::function<bool(const LogEntry&)>& visit);

// The same through a reader that is there.
Status ReadTopic(LogReader& reader, const std::string& topic, const VisitEntry& visit);

// One message, committed or not; `visit` is not called if the log does not hold it any more.
Status ReadOne(const ClientConfig& client, const std::string& topic, int partition,
               std::int64_t offset, const std::function<void(const LogEntry&)>& visit);

// Offsets a group has committed, by topic and partition; partitions without one are left out.
Result<std::map<int, std::int64_t>> CommittedOffsets(const ClientConfig& client,
                                                     const std::string& group,
                                                     const std::string& topic);

}  // namespace winnow::kafka
