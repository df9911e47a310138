#include "libs/kafka/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "libs/kafka/admin.h"

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPollMs = 200;
constexpr std::chrono::milliseconds kPause{50};
// No message and no end for so long: the brokers are gone.
constexpr auto kPatience = std::chrono::seconds(30);
// Offsets further apart are fetched one by one; closer ones by reading through what lies between.
constexpr std::int64_t kReadThrough = 64;

// What a client can see.
enum class Isolation { kCommitted, kAll };

Settings SettingsFor(Isolation isolation) {
  return {{"group.id", kLogReaderGroup},
          {"isolation.level",
           isolation == Isolation::kCommitted ? "read_committed" : "read_uncommitted"},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "true"},
          {"auto.offset.reset", "earliest"},
          // The end of a partition is told with an empty answer: it must not be long in coming.
          {"fetch.wait.max.ms", "10"},
          {"queued.max.messages.kbytes", "16384"}};
}

std::map<std::string, std::string> HeadersOf(const rd_kafka_message_t& message) {
  std::map<std::string, std::string> headers;
  rd_kafka_headers_t* all = nullptr;
  if (rd_kafka_message_headers(&message, &all) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(all, i, &name, &value, &size) ==
                          RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    headers[name] =
        value == nullptr ? "" : std::string(static_cast<const char*>(value), size);
  }
  return headers;
}

LogEntry EntryOf(const std::string& topic, const rd_kafka_message_t& message) {
  LogEntry entry;
  entry.topic = topic;
  entry.partition = message.partition;
  entry.offset = message.offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  entry.time = Timestamp(std::chrono::milliseconds(rd_kafka_message_timestamp(&message, &type)));
  entry.key = KeyOf(message);
  if (message.payload != nullptr) entry.value = ValueOf(message);
  entry.headers = HeadersOf(message);
  return entry;
}

void FreeText(void* text) { rd_kafka_mem_free(nullptr, text); }

class Reader : public LogReader {
 public:
  explicit Reader(ClientConfig config) : config_(std::move(config)) {}

  Status Connect() {
    WINNOW_ASSIGN_OR_RETURN(committed_, NewClient(RD_KAFKA_CONSUMER, config_,
                                                  SettingsFor(Isolation::kCommitted),
                                                  &complaint_));
    WINNOW_ASSIGN_OR_RETURN(all_, NewClient(RD_KAFKA_CONSUMER, config_,
                                            SettingsFor(Isolation::kAll), &complaint_));
    return {};
  }

  Result<std::vector<PartitionRange>> RangesOf(const std::string& topic) override {
    return Explained(TryRangesOf(topic));
  }

  Result<std::string> ClusterId() override {
    const std::unique_ptr<char, void (*)(void*)> id(
        rd_kafka_clusterid(all_.get(), static_cast<int>(kAskTimeout.count())), FreeText);
    if (!id) return complaint_.Explain(UnavailableError("no broker answers"), config_, all_.get());
    return std::string(id.get());
  }

  Status ReadRange(const std::string& topic, int partition, std::int64_t begin, std::int64_t end,
                   const VisitEntry& visit) override {
    if (begin >= end) return {};
    return Explained(Stream(committed_.get(), topic, partition, begin, end, visit));
  }

  Status ReadOffsets(const std::string& topic, int partition,
                     const std::vector<std::int64_t>& offsets, const VisitEntry& visit) override {
    return Explained(TryReadOffsets(topic, partition, offsets, visit));
  }

  Result<std::map<int, std::int64_t>> CommittedOffsets(const std::string& group,
                                                       const std::string& topic) override {
    return Explained(TryCommittedOffsets(group, topic));
  }

  Result<std::vector<GroupMember>> MembersOf(const std::string& group) override {
    return Explained(TryMembersOf(group));
  }

 private:
  template <class T>
  Result<T> Explained(Result<T> result) const {
    if (!result) return complaint_.Explain(result.error(), config_, all_.get());
    return result;
  }

  Result<std::vector<PartitionRange>> TryRangesOf(const std::string& topic);
  Result<std::vector<std::int64_t>> TryOffsets(rd_kafka_t* client, const std::string& topic,
                                               int partitions, std::int64_t which);
  Result<std::vector<std::int64_t>> Offsets(rd_kafka_t* client, const std::string& topic,
                                            int partitions, std::int64_t which);
  Status Stream(rd_kafka_t* client, const std::string& topic, int partition, std::int64_t begin,
                std::int64_t end, const VisitEntry& visit);
  Status Poll(rd_kafka_t* client, const std::string& topic, int partition, std::int64_t end,
              const VisitEntry& visit);
  Status TryReadOffsets(const std::string& topic, int partition,
                        const std::vector<std::int64_t>& offsets, const VisitEntry& visit);
  Result<std::map<int, std::int64_t>> TryCommittedOffsets(const std::string& group,
                                                          const std::string& topic);
  Result<std::vector<GroupMember>> TryMembersOf(const std::string& group);

  const ClientConfig config_;
  LastComplaint complaint_{};
  RdClient committed_{};
  RdClient all_{};
};

// `which`: RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, which are times to the protocol. One
// request a broker instead of one a partition.
Result<std::vector<std::int64_t>> Reader::TryOffsets(rd_kafka_t* client, const std::string& topic,
                                                     int partitions, std::int64_t which) {
  const std::string what = fmt::format("cannot ask for the offsets of {}", topic);
  const RdPartitions list = NewPartitions();
  for (int p = 0; p < partitions; ++p) Add(list.get(), topic, p, which);
  const rd_kafka_resp_err_t code =
      rd_kafka_offsets_for_times(client, list.get(), static_cast<int>(kAskTimeout.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, what);
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(partitions));
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& found = list->elems[i];
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(found.err, what);
    offsets[static_cast<std::size_t>(found.partition)] = found.offset;
  }
  return offsets;
}

// Of a topic that was just made the chosen leader may not know yet that it leads.
Result<std::vector<std::int64_t>> Reader::Offsets(rd_kafka_t* client, const std::string& topic,
                                                  int partitions, std::int64_t which) {
  const auto deadline = SteadyClock::now() + kAskTimeout;
  auto offsets = TryOffsets(client, topic, partitions, which);
  while (!offsets && offsets.error().code == ErrorCode::kUnavailable &&
         SteadyClock::now() < deadline) {
    std::this_thread::sleep_for(kPause);
    offsets = TryOffsets(client, topic, partitions, which);
  }
  return offsets;
}

Result<std::vector<PartitionRange>> Reader::TryRangesOf(const std::string& topic) {
  WINNOW_ASSIGN_OR_RETURN(const auto count,
                          AskPatiently<std::optional<int>>(
                              all_.get(), complaint_, [&](std::chrono::milliseconds timeout) {
                                return PartitionCount(all_.get(), topic, timeout);
                              }));
  if (!count) {
    return ConfigError(
        fmt::format("there is no topic {}: create it with winnow topics apply", topic));
  }
  // In this order, so that a log that grows meanwhile never shows an end behind its high watermark
  // that is not there.
  WINNOW_ASSIGN_OR_RETURN(const auto high, Offsets(all_.get(), topic, *count, RD_KAFKA_OFFSET_END));
  WINNOW_ASSIGN_OR_RETURN(const auto end,
                          Offsets(committed_.get(), topic, *count, RD_KAFKA_OFFSET_END));
  WINNOW_ASSIGN_OR_RETURN(const auto begin,
                          Offsets(all_.get(), topic, *count, RD_KAFKA_OFFSET_BEGINNING));
  std::vector<PartitionRange> ranges;
  for (std::size_t p = 0; p < end.size(); ++p) {
    ranges.push_back({static_cast<int>(p), begin[p], end[p], std::max(high[p], end[p])});
  }
  return ranges;
}

// Calls `visit` until `end`, the end of the partition, or its word.
Status Reader::Poll(rd_kafka_t* client, const std::string& topic, int partition, std::int64_t end,
                    const VisitEntry& visit) {
  const std::string what = fmt::format("cannot read {}/{}", topic, partition);
  auto deadline = SteadyClock::now() + kPatience;
  while (SteadyClock::now() < deadline) {
    const RdMessage message(rd_kafka_consumer_poll(client, kPollMs));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return {};
    // Transport errors mend themselves until the patience is over.
    const bool broken = message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (broken && ToError(message->err, what).code == ErrorCode::kUnavailable) continue;
    if (broken) return ToError(message->err, what, rd_kafka_message_errstr(message.get()));
    if (message->offset >= end) return {};
    if (!visit(EntryOf(topic, *message)) || message->offset + 1 >= end) return {};
    deadline = SteadyClock::now() + kPatience;
  }
  return UnavailableError(fmt::format("{}: no broker answers", what));
}

Status Reader::Stream(rd_kafka_t* client, const std::string& topic, int partition,
                      std::int64_t begin, std::int64_t end, const VisitEntry& visit) {
  const RdPartitions list = NewPartitions();
  Add(list.get(), topic, partition, begin);
  if (const auto code = rd_kafka_assign(client, list.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ToError(code, fmt::format("cannot read {}/{}", topic, partition));
  }
  Status status = Poll(client, topic, partition, end, visit);
  rd_kafka_assign(client, nullptr);
  return status;
}

Status Reader::TryReadOffsets(const std::string& topic, int partition,
                              const std::vector<std::int64_t>& offsets, const VisitEntry& visit) {
  bool go_on = true;
  for (std::size_t first = 0; first < offsets.size() && go_on;) {
    std::size_t last = first;
    while (last + 1 < offsets.size() && offsets[last + 1] - offsets[last] <= kReadThrough) ++last;
    std::size_t next = first;
    WINNOW_RETURN_IF_ERROR(Stream(
        all_.get(), topic, partition, offsets[first], offsets[last] + 1,
        [&](const LogEntry& entry) {
          // The log ends before the first of them: the client began again at its beginning.
          if (entry.offset < offsets[first]) return false;
          while (next <= last && offsets[next] < entry.offset) ++next;
          if (next <= last && offsets[next] == entry.offset) go_on = visit(entry);
          return go_on;
        }));
    first = last + 1;
  }
  return {};
}

struct DestroyGroupRequest {
  void operator()(rd_kafka_ListConsumerGroupOffsets_t* request) const {
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
  }
};

Result<std::map<int, std::int64_t>> Reader::TryCommittedOffsets(const std::string& group,
                                                                const std::string& topic) {
  const std::string what = fmt::format("cannot ask for the offsets of group {}", group);
  const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, DestroyGroupRequest> request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr));
  rd_kafka_ListConsumerGroupOffsets_t* pointer = request.get();
  WINNOW_ASSIGN_OR_RETURN(
      const RdEvent event,
      AskAdmin(all_.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, what,
               [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                 rd_kafka_ListConsumerGroupOffsets(all_.get(), &pointer, 1, options, queue);
               }));
  std::size_t count = 0;
  const rd_kafka_group_result_t** const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  std::map<int, std::int64_t> offsets;
  if (count == 0) return offsets;
  if (const rd_kafka_error_t* const error = rd_kafka_group_result_error(groups[0])) {
    return ToError(rd_kafka_error_code(error), what, rd_kafka_error_string(error));
  }
  const rd_kafka_topic_partition_list_t* const list = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& found = list->elems[i];
    if (found.topic == topic && found.offset >= 0) offsets[found.partition] = found.offset;
  }
  return offsets;
}

GroupMember MemberOf(const rd_kafka_MemberDescription_t* description) {
  GroupMember member;
  const char* const instance = rd_kafka_MemberDescription_group_instance_id(description);
  member.instance =
      instance == nullptr ? rd_kafka_MemberDescription_client_id(description) : instance;
  member.host = rd_kafka_MemberDescription_host(description);
  const rd_kafka_topic_partition_list_t* const list =
      rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(description));
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    member.partitions[list->elems[i].topic].push_back(list->elems[i].partition);
  }
  return member;
}

Result<std::vector<GroupMember>> Reader::TryMembersOf(const std::string& group) {
  const std::string what = fmt::format("cannot ask for the members of group {}", group);
  const char* name = group.c_str();
  WINNOW_ASSIGN_OR_RETURN(
      const RdEvent event,
      AskAdmin(all_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, what,
               [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                 rd_kafka_DescribeConsumerGroups(all_.get(), &name, 1, options, queue);
               }));
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** const groups =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  std::vector<GroupMember> members;
  if (count == 0) return members;
  const rd_kafka_error_t* const error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
  if (error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ToError(rd_kafka_error_code(error), what, rd_kafka_error_string(error));
  }
  const std::size_t size = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
  for (std::size_t i = 0; i < size; ++i) {
    members.push_back(MemberOf(rd_kafka_ConsumerGroupDescription_member(groups[0], i)));
  }
  return members;
}

}  // namespace

Result<std::unique_ptr<LogReader>> NewLogReader(const ClientConfig& client) {
  auto reader = std::make_unique<Reader>(client);
  WINNOW_RETURN_IF_ERROR(reader->Connect());
  return std::unique_ptr<LogReader>(std::move(reader));
}

Result<std::vector<PartitionRange>> RangesOf(const ClientConfig& client,
                                             const std::string& topic) {
  WINNOW_ASSIGN_OR_RETURN(const auto reader, NewLogReader(client));
  return reader->RangesOf(topic);
}

Status ReadTopic(const ClientConfig& client, const std::string& topic, const VisitEntry& visit) {
  WINNOW_ASSIGN_OR_RETURN(const auto reader, NewLogReader(client));
  return ReadTopic(*reader, topic, visit);
}

Status ReadTopic(LogReader& reader, const std::string& topic, const VisitEntry& visit) {
  WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader.RangesOf(topic));
  bool go_on = true;
  for (const PartitionRange& range : ranges) {
    if (!go_on) break;
    WINNOW_RETURN_IF_ERROR(reader.ReadRange(topic, range.partition, range.begin, range.end,
                                            [&](const LogEntry& entry) {
                                              go_on = visit(entry);
                                              return go_on;
                                            }));
  }
  return {};
}

Status ReadOne(const ClientConfig& client, const std::string& topic, int partition,
               std::int64_t offset, const std::function<void(const LogEntry&)>& visit) {
  WINNOW_ASSIGN_OR_RETURN(const auto reader, NewLogReader(client));
  return reader->ReadOffsets(topic, partition, {offset}, [&](const LogEntry& entry) {
    visit(entry);
    return false;
  });
}

Result<std::map<int, std::int64_t>> CommittedOffsets(const ClientConfig& client,
                                                     const std::string& group,
                                                     const std::string& topic) {
  WINNOW_ASSIGN_OR_RETURN(const auto reader, NewLogReader(client));
  return reader->CommittedOffsets(group, topic);
}

}  // namespace winnow::kafka
