#include "libs/kafka/partition_opener.h"

#include <fmt/format.h>

#include <filesystem>

#include "libs/base/thread_name.h"

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::chrono::milliseconds kPause{100};
// How long group offset and changelog may disagree: the coordinator writes the ends of one
// transaction to them one after the other.
constexpr std::chrono::seconds kAgreement{30};
constexpr std::size_t kRestoreEntries = 4000;
constexpr std::uint64_t kRestoreBytes = 4u << 20;
// A compacted log forgets deletions after delete.retention.ms (one day by default): what was not
// kept up to date for half of that is rebuilt.
constexpr std::chrono::hours kStateLifetime{12};

Error Cancelled() { return CancelledError("the partition was taken away"); }

// Repeats what fails for want of a broker.
template <class Call>
auto Persist(const std::atomic<bool>& cancelled, const Call& call) {
  auto result = call();
  while (!result && result.error().code == ErrorCode::kUnavailable && !cancelled.load()) {
    std::this_thread::sleep_for(kPause);
    result = call();
  }
  return result;
}

// Entries read and not yet written to the store.
class RestoreBatch {
 public:
  RestoreBatch(PartitionState& state) : state_(state), position_(state.position()) {}

  void Add(const rd_kafka_message_t& message) {
    const auto key = KeyOf(message);
    const bool deleted = message.payload == nullptr;
    auto write = FromChangelog(key.value_or(""),
                               deleted ? std::nullopt : std::optional(ValueOf(message)),
                               position_);
    bytes_ += message.len + (key ? key->size() : 0);
    if (write) writes_.push_back(std::move(*write));
    position_.changelog = message.offset + 1;
  }
  void ReachedEnd(std::int64_t end) { position_.changelog = end; }
  bool full() const { return writes_.size() >= kRestoreEntries || bytes_ >= kRestoreBytes; }
  std::int64_t next() const { return position_.changelog; }

  Status Write() {
    position_.written = SystemClock().Now();
    bytes_ = 0;
    return state_.Commit(std::exchange(writes_, {}), position_);
  }

 private:
  PartitionState& state_;
  StatePosition position_;
  state::WriteBatch writes_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<PartitionOpener>> PartitionOpener::Make(
    const StageOptions& options, const StageTopics& topics,
    const stream::ProcessorFactory& factory, stream::StageObserver& observer, Wakeup& wakeup) {
  std::unique_ptr<PartitionOpener> opener(
      new PartitionOpener(options, topics, factory, observer, wakeup));
  Settings settings = {{"group.id", topics.group},
                       {"enable.auto.commit", "false"},
                       {"enable.auto.offset.store", "false"},
                       {"enable.partition.eof", "true"},
                       {"auto.offset.reset", "error"},
                       {"fetch.wait.max.ms", "50"},
                       {"queued.max.messages.kbytes", "16384"},
                       {"isolation.level", "read_committed"}};
  WINNOW_ASSIGN_OR_RETURN(opener->reader_,
                          NewClient(RD_KAFKA_CONSUMER, options.client, settings));
  settings.back().second = "read_uncommitted";
  WINNOW_ASSIGN_OR_RETURN(opener->probe_, NewClient(RD_KAFKA_CONSUMER, options.client, settings));
  opener->thread_ = std::thread([raw = opener.get()] { raw->Run(); });
  return opener;
}

PartitionOpener::~PartitionOpener() {
  cancelled_ = true;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void PartitionOpener::Submit(PartitionTask* task) {
  const MutexLock lock(mutex_);
  queue_.push_back(task);
  work_.NotifyAll();
}

std::vector<PartitionOpener::Opened> PartitionOpener::Take() {
  const MutexLock lock(mutex_);
  return std::exchange(opened_, {});
}

void PartitionOpener::Cancel() {
  cancelled_ = true;
  const MutexLock lock(mutex_);
  queue_.clear();
  while (busy_) idle_.Wait(mutex_);
  opened_.clear();
  cancelled_ = false;
}

void PartitionOpener::Run() {
  NameThisThread("winnow-open");
  mutex_.lock();
  while (true) {
    while (queue_.empty() && !stopping_) work_.Wait(mutex_);
    if (stopping_) break;
    PartitionTask* const task = queue_.front();
    queue_.pop_front();
    busy_ = true;
    mutex_.unlock();
    Status status = Open(*task);
    mutex_.lock();
    busy_ = false;
    opened_.push_back({task, std::move(status)});
    idle_.NotifyAll();
    wakeup_.Notify();
  }
  mutex_.unlock();
}

Status PartitionOpener::Open(PartitionTask& task) {
  WINNOW_RETURN_IF_ERROR(FindPosition(task));
  if (topics_.changelog.empty()) return {};
  WINNOW_RETURN_IF_ERROR(OpenState(task));
  task.overlay = std::make_unique<state::Overlay>(task.state->store(), std::string(kStateFamily));
  task.origins = std::make_unique<state::Overlay>(task.state->store(), std::string(kOriginFamily));
  WINNOW_ASSIGN_OR_RETURN(task.processor, factory_());
  return task.processor->Open(*task.overlay);
}

Result<std::optional<std::int64_t>> PartitionOpener::GroupOffset(int partition) {
  return Persist(cancelled_, [&]() -> Result<std::optional<std::int64_t>> {
    if (cancelled_) return Cancelled();
    const RdPartitions list = NewPartitions();
    Add(list.get(), topics_.input, partition);
    const rd_kafka_resp_err_t code =
        rd_kafka_committed(reader_.get(), list.get(), static_cast<int>(kPatience.count()));
    const std::string what = fmt::format("cannot ask for the offsets of group {}", topics_.group);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, what);
    const rd_kafka_topic_partition_t& found = list->elems[0];
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(found.err, what);
    if (found.offset < 0) return std::optional<std::int64_t>();
    return std::optional<std::int64_t>(found.offset);
  });
}

Status PartitionOpener::FindPosition(PartitionTask& task) {
  if (task.partition >= topics_.partitions) {
    return ConfigError(fmt::format("topic {} has more partitions than at the start: restart",
                                   topics_.input));
  }
  WINNOW_ASSIGN_OR_RETURN(const auto committed, GroupOffset(task.partition));
  WINNOW_ASSIGN_OR_RETURN(const Watermarks log, Persist(cancelled_, [&] {
    return QueryWatermarks(probe_.get(), topics_.input, task.partition, kPatience);
  }));
  if (committed && *committed > log.high) {
    return CorruptStateError(fmt::format(
        "group {} has read {}/{} up to {}, but the topic ends at {}: it was made anew; delete the "
        "group's offsets and the stage's changelog and state, or set another topic prefix",
        topics_.group, topics_.input, task.partition, *committed, log.high));
  }
  // A group without offsets begins at what is there: what was deleted before was never its own.
  task.position = std::max(committed.value_or(log.low), log.low);
  task.committed = committed.value_or(log.low);
  return {};
}

Status PartitionOpener::OpenState(PartitionTask& task) {
  const std::string directory = PartitionDirectory(options_.state_directory, task.partition);
  const StateIdentity identity = {options_.stage, topics_.cluster, topics_.input,
                                  topics_.changelog, task.partition};
  WINNOW_ASSIGN_OR_RETURN(task.state, PartitionState::Open(directory, identity, state_memory_));
  bool start_over = false;
  WINNOW_RETURN_IF_ERROR(CheckPlace(task, directory, start_over));
  if (start_over) {
    task.state.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
    WINNOW_ASSIGN_OR_RETURN(task.state, PartitionState::Open(directory, identity, state_memory_));
  }
  return Restore(task);
}

Status PartitionOpener::CheckPlace(PartitionTask& task, const std::string& directory,
                                   bool& start_over) {
  WINNOW_ASSIGN_OR_RETURN(const Watermarks log, Persist(cancelled_, [&] {
    return QueryWatermarks(probe_.get(), topics_.changelog, task.partition, kPatience);
  }));
  const StatePosition& position = task.state->position();
  if (position.changelog > log.high) {
    return CorruptStateError(fmt::format(
        "the state in {} holds {}/{} up to {}, but the topic ends at {}: it was made anew; delete "
        "the directory if what the topic holds is right",
        directory, topics_.changelog, task.partition, position.changelog, log.high));
  }
  const bool stale = SystemClock().Now() - position.written > kStateLifetime;
  start_over = position.changelog > 0 && (position.changelog < log.low || stale);
  return {};
}

Status PartitionOpener::Restore(PartitionTask& task) {
  const auto deadline = SteadyClock::now() + kAgreement;
  while (true) {
    WINNOW_RETURN_IF_ERROR(ReadChangelog(task));
    const Status agreed = Agree(task);
    if (agreed || agreed.error().code != ErrorCode::kCorruptState) return agreed;
    if (SteadyClock::now() > deadline) return agreed;
    std::this_thread::sleep_for(kPause);
  }
}

// Offset and changelog are written in one transaction, so they agree when both are known.
Status PartitionOpener::Agree(PartitionTask& task) {
  const std::optional<std::int64_t> input = task.state->position().input;
  WINNOW_ASSIGN_OR_RETURN(const auto committed, GroupOffset(task.partition));
  if (input == committed) {
    if (!committed) return {};
    task.committed = *committed;
    task.position = std::max(task.position, *committed);
    return {};
  }
  const auto told = [](const std::optional<std::int64_t>& offset) {
    return offset ? std::to_string(*offset) : std::string("none");
  };
  return CorruptStateError(fmt::format(
      "group {} is at offset {} of {}/{}, the state in {} is of {}: one was reset without the "
      "other; put the group's offset back, or delete changelog, state and group together",
      topics_.group, told(committed), topics_.input, task.partition, topics_.changelog,
      told(input)));
}

Status PartitionOpener::ReadChangelog(PartitionTask& task) {
  RestoreBatch batch(*task.state);
  WINNOW_ASSIGN_OR_RETURN(const Watermarks log, Persist(cancelled_, [&] {
    return QueryWatermarks(probe_.get(), topics_.changelog, task.partition, kPatience);
  }));
  const std::int64_t begin = std::max(batch.next(), log.low);
  const auto of = static_cast<std::uint64_t>(std::max<std::int64_t>(log.high - begin, 0));
  const RdPartitions list = NewPartitions();
  Add(list.get(), topics_.changelog, task.partition, begin);
  rd_kafka_assign(reader_.get(), list.get());
  Status status;
  observer_.Restoring(task.partition, 0, of);
  while (true) {
    if (cancelled_) {
      status = Cancelled();
      break;
    }
    const RdMessage message(rd_kafka_consumer_poll(reader_.get(), 100));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (message->rkt == nullptr || message->partition != task.partition) continue;
      batch.ReachedEnd(std::max(message->offset, begin));
      status = batch.Write();
      break;
    }
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      status = UnavailableError(fmt::format("the end of {}/{} moved while it was read",
                                            topics_.changelog, task.partition));
      break;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const Error error = ToError(message->err, "cannot read " + topics_.changelog);
      if (error.code == ErrorCode::kUnavailable) continue;
      status = error;
      break;
    }
    batch.Add(*message);
    if (!batch.full()) continue;
    status = batch.Write();
    if (!status) break;
    observer_.Restoring(task.partition, static_cast<std::uint64_t>(batch.next() - begin), of);
  }
  rd_kafka_assign(reader_.get(), nullptr);
  if (status) observer_.Restoring(task.partition, of, of);
  return status;
}

}  // namespace winnow::kafka
