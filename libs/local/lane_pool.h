// Parallel lanes for the stages that need no common order, with results put back into source
// order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/stream/processor.h"
#include "libs/stream/source.h"

namespace winnow::local {

// What one stage said about a record, in pipeline order.
struct StageStep {
  std::size_t stage = 0;  // index in the pipeline
  record::Disposition disposition = record::Disposition::kForwarded;
  record::Reason reason = record::Reason::kNone;
  std::vector<stream::StateWrite> writes;
};

// A record after the lane stages.
struct LaneResult {
  stream::SourceEntry entry;
  record::ImageRecord record;
  std::vector<StageStep> steps;  // up to the first that did not forward
};

// Runs on a lane's thread: loads the entry and takes it through that lane's processors.
using LaneTask = std::function<Result<LaneResult>(std::uint64_t sequence,
                                                  const stream::SourceEntry& entry)>;

// One producer thread calls Submit, one consumer thread calls Next.
class LanePool {
 public:
  // One lane per task; tasks are never called by two threads.
  explicit LanePool(std::vector<LaneTask> tasks);
  // Gives up what has not begun and waits for what has.
  ~LanePool();
  LanePool(const LanePool&) = delete;
  LanePool& operator=(const LanePool&) = delete;

  // Sequences must be consecutive from the first one submitted. Entries with the same order_key go
  // to the same lane, in order; others to whichever lane is free.
  void Submit(std::uint64_t sequence, stream::SourceEntry entry);
  // No more entries will come.
  void Finish();

  // The next result in order of sequence, waiting for it; nullopt when all submitted entries have
  // been given and Finish was called.
  std::optional<Result<LaneResult>> Next();

 private:
  struct Job {
    std::uint64_t sequence;
    stream::SourceEntry entry;
  };

  void Work(std::size_t lane, const LaneTask& task);
  std::optional<Job> Take(std::size_t lane);

  Mutex mutex_;
  CondVar work_;
  CondVar done_;
  std::deque<Job> shared_ WINNOW_GUARDED_BY(mutex_);
  std::vector<std::deque<Job>> pinned_ WINNOW_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Result<LaneResult>> results_ WINNOW_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> next_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t unfinished_ WINNOW_GUARDED_BY(mutex_) = 0;  // submitted, not yet given
  bool finished_ WINNOW_GUARDED_BY(mutex_) = false;
  bool abandoned_ WINNOW_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace winnow::local
