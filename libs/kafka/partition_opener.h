// Internal to libs/kafka: makes a partition ready to work on: where to read on from, its state
// rebuilt from the changelog, its processor opened. On a thread of its own, so that the group's
// heartbeats go on meanwhile.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/client.h"
#include "libs/kafka/partition_task.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/stage_topics.h"
#include "libs/kafka/wakeup.h"
#include "libs/stream/processor.h"

namespace winnow::kafka {

class PartitionOpener {
 public:
  struct Opened {
    PartitionTask* task;
    Status status;  // kUnavailable, kCorruptState, kConfig, kCancelled ...
  };

  // All arguments must outlive it. `wakeup` is notified when there is something to take.
  static Result<std::unique_ptr<PartitionOpener>> Make(const StageOptions& options,
                                                       const StageTopics& topics,
                                                       const stream::ProcessorFactory& factory,
                                                       stream::StageObserver& observer,
                                                       Wakeup& wakeup);
  ~PartitionOpener();
  PartitionOpener(const PartitionOpener&) = delete;
  PartitionOpener& operator=(const PartitionOpener&) = delete;

  void Submit(PartitionTask* task);
  std::vector<Opened> Take();
  // Returns when no task is being worked on; what was submitted and not taken is forgotten.
  void Cancel();

 private:
  PartitionOpener(const StageOptions& options, const StageTopics& topics,
                  const stream::ProcessorFactory& factory, stream::StageObserver& observer,
                  Wakeup& wakeup)
      : options_(options), topics_(topics), factory_(factory), observer_(observer),
        wakeup_(wakeup) {}

  void Run();
  Status Open(PartitionTask& task);
  Result<std::optional<std::int64_t>> GroupOffset(int partition);
  Status FindPosition(PartitionTask& task);
  Status OpenState(PartitionTask& task);
  Status CheckPlace(PartitionTask& task, const std::string& directory, bool& start_over);
  Status Restore(PartitionTask& task);
  Status ReadChangelog(PartitionTask& task);
  Status Agree(PartitionTask& task);

  const StageOptions& options_;
  const StageTopics& topics_;
  const stream::ProcessorFactory& factory_;
  stream::StageObserver& observer_;
  Wakeup& wakeup_;
  // Of all partitions together. Tables of a busy one are worth merging then: with 16 MiB it took the
  // deduper as much CPU time as judging did, once its state had 200 MB.
  const std::shared_ptr<const state::RocksDbMemory> state_memory_ =
      state::NewRocksDbMemory(96u << 20);
  RdClient reader_;  // not a member of the group, but asks for its offsets; reads committed
  RdClient probe_;   // sees the log's true end, also behind open transactions

  Mutex mutex_;
  CondVar work_;
  CondVar idle_;
  std::deque<PartitionTask*> queue_ WINNOW_GUARDED_BY(mutex_);
  std::vector<Opened> opened_ WINNOW_GUARDED_BY(mutex_);
  bool busy_ WINNOW_GUARDED_BY(mutex_) = false;
  bool stopping_ WINNOW_GUARDED_BY(mutex_) = false;
  std::atomic<bool> cancelled_{false};
  std::thread thread_;
};

}  // namespace winnow::kafka
