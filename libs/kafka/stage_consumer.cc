#include "libs/kafka/stage_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStopPause{100};
constexpr int kMessagesPerTurn = 64;
// Fetched and not taken yet, over all partitions. With less, librdkafka 2.0.2 finds its queues full
// and sleeps up to a second: a quarter of this made stages three to four times slower.
constexpr int kPrefetchKbytes = 65'536;
constexpr int kLeastPrefetchKbytes = 2'048;

void Wake(rd_kafka_t*, void* opaque) { static_cast<Wakeup*>(opaque)->Notify(); }

Settings ConsumerSettings(const StageOptions& options, const StageTopics& topics) {
  const auto session = options.session_timeout;
  return {{"group.id", topics.group},
          {"group.instance.id", options.instance},
          {"partition.assignment.strategy", "range"},
          {"session.timeout.ms", std::to_string(session.count())},
          {"heartbeat.interval.ms", std::to_string(HeartbeatInterval(session).count())},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "true"},
          {"isolation.level", "read_committed"},
          {"auto.offset.reset", "error"},
          {"fetch.wait.max.ms", "100"},
          {"queued.min.messages", "100000"},
          {"queued.max.messages.kbytes",
           std::to_string(std::max(kPrefetchKbytes / topics.partitions, kLeastPrefetchKbytes))}};
}

}  // namespace

std::chrono::milliseconds HeartbeatInterval(std::chrono::milliseconds session_timeout) {
  return std::max(session_timeout / 6, std::chrono::milliseconds(200));
}

Result<std::unique_ptr<StageConsumer>> StageConsumer::Join(const StageOptions& options,
                                                           const StageTopics& topics,
                                                           GroupEvents& events,
                                                           Reachability& reachable,
                                                           Wakeup& wakeup) {
  std::unique_ptr<StageConsumer> consumer(new StageConsumer(topics, events, reachable, wakeup));
  WINNOW_ASSIGN_OR_RETURN(
      consumer->client_,
      NewClient(RD_KAFKA_CONSUMER, options.client, ConsumerSettings(options, topics),
                consumer.get(), Rebalance::kListener));
  rd_kafka_t* const client = consumer->client_.get();
  consumer->group_.reset(rd_kafka_queue_get_consumer(client));
  rd_kafka_queue_cb_event_enable(consumer->group_.get(), Wake, &wakeup);
  const RdPartitions subscription = NewPartitions();
  Add(subscription.get(), topics.input, RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(client, subscription.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "cannot join " + topics.group);
  return consumer;
}

// A static member does not leave: its partitions wait for it until the session times out, so that a
// restart moves nothing. Hence no rd_kafka_consumer_close, which could wait for a broker that is
// away.
StageConsumer::~StageConsumer() {
  rd_kafka_queue_cb_event_enable(group_.get(), nullptr, nullptr);
  for (const auto& [partition, queue] : queues_) {
    rd_kafka_queue_cb_event_enable(queue.get(), nullptr, nullptr);
  }
  rd_kafka_assign(client_.get(), nullptr);
}

Status StageConsumer::Serve() {
  while (true) {
    const RdMessage message(rd_kafka_consumer_poll(client_.get(), 0));
    if (broken_) return *broken_;
    if (!message) return AssignDue();
    if (message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) continue;  // Revoked follows
    if (message->err == RD_KAFKA_RESP_ERR__FATAL ||
        message->err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
      return Broken(message->err, rd_kafka_message_errstr(message.get()));
    }
    const Error error = ToError(message->err, "cannot read " + topics_.input,
                                rd_kafka_message_errstr(message.get()));
    if (error.code == ErrorCode::kConfig) return error;
  }
}

// librdkafka 2.0.2 dies of a partition that is stopped twice (rdkafka_assignment.c:872), which two
// assignments in a row do if the first one's stop is not answered yet. So one goes over nothing, and
// after a pause.
Status StageConsumer::Read(Positions positions) {
  wanted_.reset();
  if (!reading_.empty()) {
    WINNOW_RETURN_IF_ERROR(Assign({}));
    assign_at_ = SteadyClock::now() + kStopPause;
  } else if (positions.empty()) {
    return Assign({});
  }
  if (!positions.empty()) wanted_ = std::move(positions);
  return AssignDue();
}

Status StageConsumer::AssignDue() {
  if (!wanted_ || SteadyClock::now() < assign_at_) return {};
  return Assign(*std::exchange(wanted_, std::nullopt));
}

Status StageConsumer::Assign(const Positions& positions) {
  const RdPartitions list = NewPartitions();
  reading_.clear();
  for (const auto& [partition, offset] : positions) {
    OpenQueue(partition);
    reading_.push_back(partition);
    Add(list.get(), topics_.input, partition, offset);
  }
  const rd_kafka_resp_err_t code = rd_kafka_assign(client_.get(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "cannot read " + topics_.input);
  return {};
}

// Forwarding to nowhere, once, keeps the partition's messages out of the group's queue for good. A
// queue of all partitions would be simpler, but a second assign() ends its forwarding.
void StageConsumer::OpenQueue(int partition) {
  RdQueue& queue = queues_[partition];
  if (queue) return;
  queue.reset(rd_kafka_queue_get_partition(client_.get(), topics_.input.c_str(), partition));
  rd_kafka_queue_forward(queue.get(), nullptr);
  rd_kafka_queue_cb_event_enable(queue.get(), Wake, &wakeup_);
}

RdMessage StageConsumer::Take() {
  for (std::size_t tried = 0; tried <= reading_.size() && !reading_.empty(); ++tried) {
    turn_ %= reading_.size();
    if (taken_++ < kMessagesPerTurn) {
      RdMessage message(rd_kafka_consume_queue(queues_.at(reading_[turn_]).get(), 0));
      if (message) return message;
    }
    ++turn_;
    taken_ = 0;
  }
  return nullptr;
}

RdGroup StageConsumer::Metadata() const {
  return RdGroup(rd_kafka_consumer_group_metadata(client_.get()));
}

Status StageConsumer::Committed(rd_kafka_topic_partition_list_t* offsets) const {
  const rd_kafka_resp_err_t code = rd_kafka_committed(client_.get(), offsets, 10'000);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return ToError(code, "cannot ask for the offsets of group " + topics_.group);
}

void StageConsumer::CommitAsync(int partition, std::int64_t offset) {
  if (lost()) return;
  const RdPartitions offsets = NewPartitions();
  Add(offsets.get(), topics_.input, partition, offset);
  rd_kafka_commit(client_.get(), offsets.get(), 1);
}

bool StageConsumer::Answers() const {
  const auto count = PartitionCount(client_.get(), topics_.input, std::chrono::milliseconds(200));
  return count.has_value();
}

std::int64_t StageConsumer::EndOf(int partition) const {
  std::int64_t low = -1;
  std::int64_t high = -1;
  rd_kafka_get_watermark_offsets(client_.get(), topics_.input.c_str(), partition, &low, &high);
  return high;
}

void StageConsumer::OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t* partitions) {
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    std::vector<int> assigned;
    for (int i = 0; i < partitions->cnt; ++i) assigned.push_back(partitions->elems[i].partition);
    events_.Assigned(assigned);
    return;
  }
  const bool is_lost = code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS || lost();
  wanted_.reset();
  reading_.clear();
  events_.Revoked(is_lost ? GroupEvents::Cause::kLost : GroupEvents::Cause::kRebalance);
  rd_kafka_assign(client, nullptr);
  assign_at_ = SteadyClock::now() + kStopPause;
}

void StageConsumer::OnError(rd_kafka_resp_err_t code, std::string_view reason) {
  reachable_.Complained(code, reason);
  if (code == RD_KAFKA_RESP_ERR__FATAL) broken_ = Broken(code, reason);
}

Error StageConsumer::Broken(rd_kafka_resp_err_t code, std::string_view reason) {
  std::array<char, 512> text{};
  const auto cause = rd_kafka_fatal_error(client_.get(), text.data(), text.size());
  fenced_ = code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
            cause == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
  if (!fenced_) {
    return UnavailableError(
        fmt::format("the client of group {} failed for good: {}", topics_.group, reason));
  }
  return UnavailableError(fmt::format(
      "another process took the place of this one in group {}", topics_.group));
}

}  // namespace winnow::kafka
