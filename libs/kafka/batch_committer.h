// Internal to libs/kafka: takes judged batches, one at a time, through their transactions and into
// the state, on a thread of its own. The recipe: README.md.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/batch.h"
#include "libs/kafka/client.h"
#include "libs/kafka/reachability.h"
#include "libs/kafka/stage_consumer.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/stage_topics.h"
#include "libs/kafka/transaction.h"
#include "libs/kafka/wakeup.h"

namespace winnow::kafka {

class BatchCommitter {
 public:
  enum class End {
    kStarted,     // the producer is ready; told once, before all others
    kCommitted,   // the batch has its outcomes and the state has its writes
    kRolledBack,  // it has none, or that could not be found out: all partitions must be reopened
    kFailed,      // the stage cannot go on
    kFenced,      // nor here: another producer of its name, or too long a transaction
  };
  struct Done {
    End end;
    Error error;  // not of kStarted and kCommitted
  };

  struct Surroundings {
    const StageOptions& options;
    const StageTopics& topics;
    const StageConsumer& consumer;  // asked whether the assignment is lost
    stream::StageObserver& observer;
    Reachability& reachable;
    const std::atomic<bool>& give_up;  // once set, nothing is waited for any longer
    Wakeup& wakeup;                    // notified when there is something to take
  };

  // Begins at once to start the producer.
  explicit BatchCommitter(const Surroundings& around);
  // Waits for the batch at hand; set `give_up` to be quick.
  ~BatchCommitter();
  BatchCommitter(const BatchCommitter&) = delete;
  BatchCommitter& operator=(const BatchCommitter&) = delete;

  // Only when kStarted and, for each earlier batch, its end was taken. The batch must live until
  // its end was taken; `group` must be the consumer's metadata of now.
  void Commit(Batch* batch, RdGroup group);
  std::optional<Done> Take();

 private:
  struct Work {
    Batch* batch;
    RdGroup group;
  };

  void Run();
  void Post(Done done);
  Done Settle(Work& work);
  Done Recover(const TransactionFailure& failure, const Work& work);
  Done GiveUp(const TransactionFailure& why);
  TransactionStatus Transact(Work& work, struct BatchEffects& effects);
  TransactionStatus ProduceOutputs(Work& work);
  TransactionStatus ProduceChangelog(struct BatchEffects& effects);
  TransactionStatus CheckAssignment() const;
  Status WriteState(const Batch& batch, struct BatchEffects& effects);
  bool OffsetsStand(const Work& work) const;
  void At(CrashPoint point) const;

  const Surroundings around_;
  TransactionalProducer producer_;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Work> work_ WINNOW_GUARDED_BY(mutex_);
  std::optional<Done> done_ WINNOW_GUARDED_BY(mutex_);
  bool stopping_ WINNOW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace winnow::kafka
