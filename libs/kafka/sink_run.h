// Internal to libs/kafka: the one thread of a sink. It answers the group, opens partitions, reads
// messages into their outputs and tells what was published.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/sink_judgement.h"
#include "libs/kafka/sink_partition.h"
#include "libs/kafka/sink_runner.h"
#include "libs/kafka/reachability.h"
#include "libs/kafka/stage_consumer.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/stage_topics.h"
#include "libs/kafka/wakeup.h"
#include "libs/state/overlay.h"
#include "libs/state/state_store.h"

namespace winnow::kafka {

class SinkRun : private GroupEvents {
 public:
  // All must outlive it.
  SinkRun(const SinkOptions& options, const stream::ProcessorFactory& factory,
          const stream::PartitionOutputFactory& outputs);
  ~SinkRun() override;
  SinkRun(const SinkRun&) = delete;
  SinkRun& operator=(const SinkRun&) = delete;

  Status Run();

 private:
  using SteadyClock = std::chrono::steady_clock;
  using SteadyTime = SteadyClock::time_point;

  struct Task {
    explicit Task(int number) : partition(number) {}
    SinkPartition partition;
    SteadyTime open_at{};  // not before
    int mishaps = 0;       // since it last got on
    std::int64_t got_to = -1;
    std::int64_t committed = -1;
  };

  Status Work();
  Status Prepare();
  Status OpenProcessor();
  Status Turn();
  void Drain();

  void Assigned(const std::vector<int>& partitions) override;
  void Revoked(Cause cause) override;
  Status OpenDue();
  Status Open(Task& task);
  Status CheckLog(const SinkPartition& partition);
  Status ReadReady();
  Status Mishap(Task& task, const Error& why);

  Status ReadSome();
  Status Dispatch(RdMessage message);
  Status Handle(Task& task, RdMessage message);
  Status Bury(Task& task, const Arrival& arrival, const SinkJudgement& judgement);
  Status Store(Task& task, record::ImageRecord record, const rd_kafka_message_t& message);
  Status Hold(RdMessage message, std::chrono::milliseconds pause);
  Status AwayFromBlobs(RdMessage message, const Error& why);
  Status ConfirmDeadLetters();
  Status SealDue();

  void Tell();
  void TellParts();
  void ReportLag(const Task& task);
  void ReportCondition();
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  const SinkOptions& options_;
  const stream::ProcessorFactory& factory_;
  const stream::PartitionOutputFactory& outputs_;
  stream::StageObserver silent_;
  stream::StageObserver& observer_;
  StageOptions member_;  // the sink as a member of its group
  StageTopics topics_;
  SinkJudgeOptions judge_;

  std::unique_ptr<state::StateStore> nothing_;
  std::unique_ptr<state::Overlay> nothing_seen_;
  std::unique_ptr<stream::Processor> processor_;

  Wakeup wakeup_;
  Reachability reachable_;
  std::unique_ptr<RecordProducer> producer_;
  RdClient probe_;  // asks for the ends of the log
  std::unique_ptr<StageConsumer> consumer_;

  std::map<int, std::unique_ptr<Task>> tasks_;
  std::map<int, std::int64_t> concluded_until_;  // told to the observer, by partition
  bool assigned_ = false;
  RdMessage held_;  // waits for dead letters to be confirmed, or for the blob store
  SteadyTime held_until_{};
  int blob_attempts_ = 0;
  std::uint64_t unconfirmed_ = 0;  // dead letters
  std::uint64_t unconfirmed_bytes_ = 0;
  std::optional<Error> refused_;   // the broker will not take one
  SteadyTime next_check_{};
  std::optional<stream::Condition> told_;
};

}  // namespace winnow::kafka
