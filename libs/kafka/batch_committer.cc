#include "libs/kafka/batch_committer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/thread_name.h"
#include "libs/kafka/batch_effects.h"

namespace winnow::kafka {
namespace {

using Remedy = TransactionFailure::Remedy;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLastPatience{2000};

TransactionOptions OptionsOf(const BatchCommitter::Surroundings& around) {
  return {.client = around.options.client,
          .transactional_id = around.topics.transactional_id,
          .timeout = around.options.transaction_timeout,
          .max_message_bytes = around.topics.largest_message(),
          .max_batch_bytes = std::min<std::uint64_t>(around.topics.smallest_limit(), 1'000'000)};
}

ProducerMessage Compose(const BatchItem& item, const StageMessage& message,
                        const std::string& topic) {
  ProducerMessage composed = {.topic = &topic, .headers = &message.headers};
  composed.time = item.arrival.time;
  if (message.topic == Topic::kDead) {
    composed.key = item.arrival.key;
  } else {
    composed.key = message.key;
  }
  if (message.as_it_came) {
    composed.value = item.arrival.value;
  } else if (message.value) {
    composed.value = *message.value;
  }
  return composed;
}

}  // namespace

BatchCommitter::BatchCommitter(const Surroundings& around)
    : around_(around), producer_(OptionsOf(around), &around.reachable, &around.give_up) {
  thread_ = std::thread([this] { Run(); });
}

BatchCommitter::~BatchCommitter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void BatchCommitter::Commit(Batch* batch, RdGroup group) {
  const MutexLock lock(mutex_);
  work_ = Work{batch, std::move(group)};
  changed_.NotifyAll();
}

std::optional<BatchCommitter::Done> BatchCommitter::Take() {
  const MutexLock lock(mutex_);
  return std::exchange(done_, std::nullopt);
}

void BatchCommitter::Post(Done done) {
  {
    const MutexLock lock(mutex_);
    done_ = std::move(done);
  }
  around_.wakeup.Notify();
}

void BatchCommitter::Run() {
  NameThisThread("winnow-commit");
  const Status started = producer_.Renew();
  Post(started ? Done{End::kStarted, {}} : Done{End::kFailed, started.error()});
  if (!started) return;
  while (true) {
    std::optional<Work> work;
    {
      const MutexLock lock(mutex_);
      while (!work_ && !stopping_) changed_.Wait(mutex_);
      if (!work_) return;
      work = std::exchange(work_, std::nullopt);
    }
    Post(Settle(*work));
  }
}

BatchCommitter::Done BatchCommitter::Settle(Work& work) {
  BatchEffects effects = EffectsOf(*work.batch);
  const TransactionStatus transacted = Transact(work, effects);
  if (!transacted) return Recover(transacted.error(), work);
  At(CrashPoint::kAfterCommit);
  const auto committed = SteadyClock::now();
  const Status written = WriteState(*work.batch, effects);
  around_.observer.Took(stream::StageStep::kState, SteadyClock::now() - committed);
  if (!written) return {End::kFailed, written.error()};
  At(CrashPoint::kAfterStateWrite);
  around_.reachable.Answered();
  return {End::kCommitted, {}};
}

TransactionStatus BatchCommitter::Transact(Work& work, BatchEffects& effects) {
  const auto begin = SteadyClock::now();
  if (auto status = CheckAssignment(); !status) return status;
  if (auto status = producer_.Begin(); !status) return status;
  At(CrashPoint::kBeforeProduce);
  if (auto status = ProduceOutputs(work); !status) return status;
  if (auto status = ProduceChangelog(effects); !status) return status;
  At(CrashPoint::kBeforeSendOffsets);
  const RdPartitions offsets = OffsetsOf(effects, around_.topics.input);
  if (auto status = producer_.SendOffsets(offsets.get(), work.group.get()); !status) return status;
  if (auto status = producer_.Flush(); !status) return status;
  const auto produced = SteadyClock::now();
  around_.observer.Took(stream::StageStep::kProduce, produced - begin);
  if (auto status = CheckAssignment(); !status) return status;
  At(CrashPoint::kBeforeCommit);
  if (auto status = producer_.Commit(); !status) return status;
  around_.observer.Took(stream::StageStep::kCommit, SteadyClock::now() - produced);
  return {};
}

TransactionStatus BatchCommitter::CheckAssignment() const {
  if (!around_.consumer.lost()) return {};
  return tl::unexpected<TransactionFailure>(
      {Remedy::kAbort, UnavailableError("the group gave the partitions to others meanwhile")});
}

TransactionStatus BatchCommitter::ProduceOutputs(Work& work) {
  for (const BatchItem& item : work.batch->items) {
    for (const StageMessage& message : item.judgement->messages) {
      const auto topic = around_.topics.outputs.find(message.topic);
      if (topic == around_.topics.outputs.end()) {
        return tl::unexpected<TransactionFailure>(
            {Remedy::kGiveUp, BugError(fmt::format("stage {} writes {}, which it never does",
                                                   around_.options.stage,
                                                   TopicName(message.topic, "")))});
      }
      auto status = producer_.Produce(Compose(item, message, topic->second));
      if (!status) return status;
    }
  }
  return {};
}

TransactionStatus BatchCommitter::ProduceChangelog(BatchEffects& effects) {
  // Their own time, not the records': compaction must not count old records' entries as old.
  const Timestamp now = SystemClock().Now();
  for (auto& [number, partition] : effects.partitions) {
    for (const auto& [key, value] : partition.changelog) {
      const std::uint64_t size = key.size() + (value ? value->size() : 0) + 256;
      if (size > around_.topics.changelog_max_bytes) {
        return tl::unexpected<TransactionFailure>(
            {Remedy::kGiveUp,
             ConfigError(fmt::format("a state entry of {} bytes does not fit into {}: raise its "
                                     "max.message.bytes",
                                     size, around_.topics.changelog))});
      }
      ProducerMessage message = {.topic = &around_.topics.changelog, .partition = number};
      message.key = key;
      message.value = value;
      message.time = now;
      message.greatest_offset = &partition.greatest_changelog_offset;
      if (auto status = producer_.Produce(message); !status) return status;
    }
  }
  return {};
}

Status BatchCommitter::WriteState(const Batch&, BatchEffects& effects) {
  for (auto& [number, partition] : effects.partitions) {
    PartitionTask& task = *partition.task;
    if (!task.state) continue;
    StatePosition position = {.changelog = partition.greatest_changelog_offset + 1,
                              .written = SystemClock().Now()};
    state::WriteBatch writes;
    writes.reserve(partition.changelog.size() + 1);
    for (const auto& [key, value] : partition.changelog) {
      auto write = FromChangelog(key, value, position);
      if (write) writes.push_back(std::move(*write));
    }
    WINNOW_RETURN_IF_ERROR(task.state->Commit(std::move(writes), position));
    task.overlay->Committed(effects.end_sequence);
    task.origins->Committed(effects.end_sequence);
  }
  return {};
}

BatchCommitter::Done BatchCommitter::Recover(const TransactionFailure& failure, const Work& work) {
  if (failure.remedy == Remedy::kGiveUp) return GiveUp(failure);
  if (failure.remedy == Remedy::kAbort) {
    const TransactionStatus aborted = producer_.Abort();
    if (aborted) return {End::kRolledBack, failure.error};
    if (aborted.error().remedy == Remedy::kGiveUp) return GiveUp(aborted.error());
  }
  const Status renewed = producer_.Renew();
  if (!renewed) return GiveUp({Remedy::kGiveUp, renewed.error()});
  if (failure.remedy == Remedy::kNewProducer && OffsetsStand(work)) {
    // Committed after all. The state follows from the changelog when the partitions are reopened.
    around_.observer.Committed(ReportOf(*work.batch));
    TellGaps(*work.batch, around_.topics.input, around_.observer);
  }
  return {End::kRolledBack, failure.error};
}

// The producer may still be sending from memory that goes with the batch. A transaction left open
// would keep other instances from the partitions until the broker times it out.
BatchCommitter::Done BatchCommitter::GiveUp(const TransactionFailure& why) {
  producer_.AbortIfPossible(kLastPatience);
  producer_.Close();
  return {why.fenced ? End::kFenced : End::kFailed, why.error};
}

bool BatchCommitter::OffsetsStand(const Work& work) const {
  if (around_.consumer.lost()) return false;
  const BatchEffects effects = EffectsOf(*work.batch);
  const RdPartitions offsets = OffsetsOf(effects, around_.topics.input);
  if (!around_.consumer.Committed(offsets.get())) return false;
  return std::all_of(offsets->elems, offsets->elems + offsets->cnt, [&](const auto& found) {
    return found.offset == effects.partitions.at(found.partition).next;
  });
}

void BatchCommitter::At(CrashPoint point) const {
  if (around_.options.at_crash_point) around_.options.at_crash_point(point);
}

}  // namespace winnow::kafka
