// Internal to libs/kafka: the polling thread's part of a stage: it answers the group, reads
// messages into batches, gives them to the lanes and judged batches to the committer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/batch.h"
#include "libs/kafka/batch_committer.h"
#include "libs/kafka/lane_chunks.h"
#include "libs/kafka/lanes.h"
#include "libs/kafka/partition_opener.h"
#include "libs/kafka/reachability.h"
#include "libs/kafka/stage_consumer.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/stage_topics.h"
#include "libs/kafka/wakeup.h"
#include "libs/state/overlay.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

class StageRun : private GroupEvents {
 public:
  // Both must outlive it.
  StageRun(const StageOptions& options, const stream::ProcessorFactory& factory);
  ~StageRun() override;
  StageRun(const StageRun&) = delete;
  StageRun& operator=(const StageRun&) = delete;

  Status Run();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Status Prepare();
  Status OpenLaneProcessors();
  Status Work();
  Status Loop();
  Status Drain();
  bool TakenOver();
  Status Turn();

  void Assigned(const std::vector<int>& partitions) override;
  void Revoked(Cause cause) override;
  void ReopenAll();
  Status TakeOpened();
  Status ReadReady();
  void SkipGaps();

  void ReadSome();
  void ReadUpToBounds();
  void Dispatch(RdMessage message);
  void ReachedEnd(PartitionTask& task, std::int64_t offset);
  void TellReadError(const rd_kafka_message_t& message);
  void Judge(Batch& batch, BatchItem& item, std::size_t lane);
  std::optional<std::uint64_t> StrandOf(const BatchItem& item) const;
  Batch* Filling();

  void CloseIfDue();
  bool IsDue(const Batch& batch) const;
  void HandOver();
  Status TakeDone();
  void Conclude();
  void RollBack(const Error& why);
  void DropBatches();
  void AwaitBatches(SteadyTime deadline);
  void AwaitCommitter();

  void ReportLag(const PartitionTask& task);
  void ReportStates();
  void ReportCondition();
  void CheckReachable();
  void Fail(Error error);
  std::optional<Error> failure();
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  const StageOptions& options_;
  const stream::ProcessorFactory& factory_;
  stream::StageObserver silent_;
  stream::StageObserver& observer_;
  StageTopics topics_;
  JudgeOptions judge_;
  stream::OrderingScope scope_ = stream::OrderingScope::kNone;

  Wakeup wakeup_;
  Reachability reachable_;
  std::atomic<bool> give_up_{false};
  std::atomic<bool> failed_{false};
  Mutex failure_mutex_;
  std::optional<Error> failure_ WINNOW_GUARDED_BY(failure_mutex_);

  std::unique_ptr<state::StateStore> nothing_;  // what stages without state see
  std::unique_ptr<state::Overlay> nothing_seen_;
  std::vector<std::unique_ptr<stream::Processor>> lane_processors_;

  // In this order: each uses those before it.
  std::unique_ptr<StageConsumer> consumer_;
  std::map<int, std::unique_ptr<PartitionTask>> tasks_;
  std::unique_ptr<PartitionOpener> opener_;
  std::deque<std::unique_ptr<Batch>> batches_;  // oldest first: committing, closed, filling
  std::unique_ptr<BatchCommitter> committer_;
  std::unique_ptr<LaneChunks> chunks_;  // the lanes' work refers to it
  std::unique_ptr<Lanes> lanes_;

  std::uint64_t next_sequence_ = 0;
  std::uint64_t in_flight_ = 0;
  std::atomic<std::size_t> backlog_{0};  // read and not judged
  bool started_ = false;     // the committer
  bool committing_ = false;  // it has the front of batches_
  bool shut_out_ = false;    // its producer is fenced
  bool assigned_ = false;
  int roll_backs_ = 0;  // since the last commit
  std::optional<SteadyTime> reopen_at_;
  SteadyTime next_check_{};
  SteadyTime next_states_{};
  std::optional<stream::Condition> told_;
};

}  // namespace winnow::kafka
