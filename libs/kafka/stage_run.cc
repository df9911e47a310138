#include "libs/kafka/stage_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "libs/kafka/arrival.h"
#include "libs/kafka/batch_effects.h"

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::chrono::seconds kCheckEvery{1};
constexpr std::chrono::seconds kStatesEvery{5};
constexpr std::size_t kMaxBatches = 3;
constexpr int kReadAtOnce = 500;
// Read and not judged: enough that no lane waits, few enough that a batch that is closed is soon
// judged and its commit overlaps with the judging of the next.
constexpr std::size_t kBacklogPerLane = 256;
// The group waits for this member meanwhile, at most max.poll.interval.ms (five minutes).
constexpr std::chrono::seconds kHandBackTimeout{60};

JudgeOptions JudgeOptionsOf(const StageOptions& options, const StageTopics& topics,
                            stream::StageObserver& observer) {
  return {.stage = options.stage,
          .input = options.input,
          .output = options.output,
          .payload = options.payload,
          .collection = options.collection,
          .scope_of = options.scope_of,
          .inline_max_bytes = options.inline_max_bytes,
          .max_payload_bytes = options.max_bytes_in_flight,
          .raw_blobs = options.raw_blobs,
          .safe_blobs = options.safe_blobs,
          .max_message_bytes = topics.max_message_bytes,
          .observer = &observer};
}

}  // namespace

StageRun::StageRun(const StageOptions& options, const stream::ProcessorFactory& factory)
    : options_(options),
      factory_(factory),
      observer_(options.observer != nullptr ? *options.observer : silent_),
      topics_(NamesOf(options)) {}

StageRun::~StageRun() {
  give_up_ = true;
  if (lanes_) lanes_->Clear();
  lanes_.reset();
  committer_.reset();
  opener_.reset();
  batches_.clear();
  tasks_.clear();
  consumer_.reset();
}

Status StageRun::Run() {
  WINNOW_RETURN_IF_ERROR(OpenLaneProcessors());
  const Status prepared = Prepare();
  if (!prepared && prepared.error().code == ErrorCode::kCancelled) return {};
  WINNOW_RETURN_IF_ERROR(prepared);
  const Status ended = Work();
  if (!ended && TakenOver()) observer_.Fenced();
  return ended;
}

Status StageRun::Work() {
  WINNOW_RETURN_IF_ERROR(Loop());
  return Drain();
}

// A producer is shut out by a namesake, or by the broker because its transaction took too long. The
// group tells which: a namesake is its member, too, and the next heartbeat's answer says so.
bool StageRun::TakenOver() {
  const auto deadline =
      SteadyClock::now() + 2 * HeartbeatInterval(options_.session_timeout) + kCheckEvery;
  while (shut_out_ && !stopped() && SteadyClock::now() < deadline) {
    if (!consumer_->Serve()) break;
    wakeup_.WaitUntil(SteadyClock::now() + kTurn);
  }
  return consumer_->fenced();
}

Status StageRun::OpenLaneProcessors() {
  nothing_ = state::NewMemoryStore();
  nothing_seen_ = std::make_unique<state::Overlay>(*nothing_, std::string(kStateFamily));
  for (std::size_t lane = 0; lane < (options_.stateful ? 1 : options_.lanes); ++lane) {
    WINNOW_ASSIGN_OR_RETURN(auto processor, factory_());
    if (processor->name() != options_.stage) {
      return BugError(fmt::format("stage '{}' was given the processor '{}'", options_.stage,
                                  processor->name()));
    }
    scope_ = processor->scope();
    if (options_.stateful) return {};
    WINNOW_RETURN_IF_ERROR(processor->Open(*nothing_seen_));
    lane_processors_.push_back(std::move(processor));
  }
  return {};
}

Status StageRun::Prepare() {
  ReportCondition();
  WINNOW_RETURN_IF_ERROR(AwaitCluster(options_.client, topics_, reachable_, options_.stop,
                                      [this] { ReportCondition(); }));
  judge_ = JudgeOptionsOf(options_, topics_, observer_);
  WINNOW_ASSIGN_OR_RETURN(
      opener_, PartitionOpener::Make(options_, topics_, factory_, observer_, wakeup_));
  WINNOW_ASSIGN_OR_RETURN(consumer_,
                          StageConsumer::Join(options_, topics_, *this, reachable_, wakeup_));
  committer_ = std::make_unique<BatchCommitter>(BatchCommitter::Surroundings{
      options_, topics_, *consumer_, observer_, reachable_, give_up_, wakeup_});
  lanes_ = std::make_unique<Lanes>(options_.lanes);
  chunks_ = std::make_unique<LaneChunks>(*lanes_, std::bind_front(&StageRun::Judge, this));
  return {};
}

// ---- the loop ------------------------------------------------------------------------------

Status StageRun::Loop() {
  while (!stopped()) {
    WINNOW_RETURN_IF_ERROR(Turn());
    ReadSome();
    CloseIfDue();
    HandOver();
    auto until = SteadyClock::now() + kTurn;
    if (!batches_.empty() && !batches_.back()->closed) {
      until = std::min(until, batches_.back()->opened + options_.commit.interval);
    }
    wakeup_.WaitUntil(until);
  }
  return {};
}

// What happens in every turn, also while nothing is read any more.
Status StageRun::Turn() {
  WINNOW_RETURN_IF_ERROR(consumer_->Serve());
  WINNOW_RETURN_IF_ERROR(TakeDone());
  WINNOW_RETURN_IF_ERROR(TakeOpened());
  if (reopen_at_ && SteadyClock::now() >= *reopen_at_) ReopenAll();
  if (SteadyClock::now() >= next_check_) {
    CheckReachable();
    for (const auto& [number, task] : tasks_) ReportLag(*task);
    next_check_ = SteadyClock::now() + kCheckEvery;
  }
  if (SteadyClock::now() >= next_states_) ReportStates();
  ReportCondition();
  if (const auto failed = failure()) return *failed;
  return {};
}

Status StageRun::Drain() {
  const auto deadline = SteadyClock::now() + options_.drain_timeout;
  while (!batches_.empty() && SteadyClock::now() < deadline) {
    batches_.back()->Close();
    HandOver();
    wakeup_.WaitUntil(SteadyClock::now() + kTurn);
    WINNOW_RETURN_IF_ERROR(Turn());
  }
  return {};
}

// ---- partitions ----------------------------------------------------------------------------

void StageRun::Assigned(const std::vector<int>& partitions) {
  assigned_ = true;
  const Status none_yet = consumer_->Read({});
  if (!none_yet) Fail(none_yet.error());
  for (const int partition : partitions) {
    tasks_[partition] = std::make_unique<PartitionTask>(partition);
    opener_->Submit(tasks_[partition].get());
  }
  observer_.Event(stream::Severity::kInfo, "partitions assigned",
                  {{"topic", topics_.input},
                   {"partitions", fmt::format("{}", fmt::join(partitions, ","))}});
}

void StageRun::Revoked(Cause cause) {
  assigned_ = false;
  ReportCondition();
  opener_->Cancel();
  reopen_at_.reset();
  if (cause == Cause::kRebalance) AwaitBatches(SteadyClock::now() + kHandBackTimeout);
  AwaitCommitter();
  DropBatches();
  for (const auto& [number, task] : tasks_) observer_.Revoked(topics_.input, number);
  tasks_.clear();
  observer_.Event(cause == Cause::kLost ? stream::Severity::kWarning : stream::Severity::kInfo,
                  cause == Cause::kLost ? "partitions lost" : "partitions given back",
                  {{"topic", topics_.input}});
}

void StageRun::ReopenAll() {
  reopen_at_.reset();
  opener_->Cancel();
  for (auto& [number, task] : tasks_) {
    task = std::make_unique<PartitionTask>(number);
    opener_->Submit(task.get());
  }
}

Status StageRun::TakeOpened() {
  bool any = false;
  // All are read from then on, or none: every change of what is read drops what was fetched.
  for (const PartitionOpener::Opened& opened : opener_->Take()) {
    if (!opened.status && opened.status.error().code == ErrorCode::kCancelled) continue;
    WINNOW_RETURN_IF_ERROR(opened.status);
    opened.task->ready = true;
    any = true;
  }
  const bool all = std::all_of(tasks_.begin(), tasks_.end(),
                               [](const auto& entry) { return entry.second->ready; });
  if (!any || !all) return {};
  SkipGaps();
  ReportStates();
  return ReadReady();
}

// Nothing has been read since the partitions were assigned, so the batch holds nothing yet.
void StageRun::SkipGaps() {
  for (const auto& [number, task] : tasks_) {
    if (task->committed >= task->position) continue;
    Filling()->gaps.push_back({task.get(), task->committed, task->position});
  }
}

Status StageRun::ReadReady() {
  std::vector<std::pair<int, std::int64_t>> positions;
  for (const auto& [number, task] : tasks_) {
    if (task->ready) positions.emplace_back(number, task->position);
  }
  return consumer_->Read(positions);
}

// ---- reading -------------------------------------------------------------------------------

Batch* StageRun::Filling() {
  if (!batches_.empty() && !batches_.back()->closed) return batches_.back().get();
  if (batches_.size() >= kMaxBatches) return nullptr;
  batches_.push_back(std::make_unique<Batch>());
  batches_.back()->opened = SteadyClock::now();
  return batches_.back().get();
}

void StageRun::ReadSome() {
  ReadUpToBounds();
  chunks_->Submit();
}

void StageRun::ReadUpToBounds() {
  for (int i = 0; i < kReadAtOnce; ++i) {
    if (in_flight_ >= options_.max_bytes_in_flight) return;
    if (backlog_ >= options_.lanes * kBacklogPerLane) return;
    const bool full = !batches_.empty() && (batches_.back()->closed || IsDue(*batches_.back()));
    if (full) CloseIfDue();
    if (full && batches_.size() >= kMaxBatches) return;
    RdMessage message = consumer_->Take();
    if (!message) return;
    Dispatch(std::move(message));
    if (i + 1 == kReadAtOnce) wakeup_.Notify();  // there may be more
  }
}

void StageRun::Dispatch(RdMessage message) {
  const auto found = tasks_.find(message->partition);
  if (found == tasks_.end() || !found->second->ready) return;
  PartitionTask& task = *found->second;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return ReachedEnd(task, message->offset);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) return TellReadError(*message);
  if (message->offset < task.position) return;
  Batch* const batch = Filling();
  BatchItem& item = batch->items.emplace_back();
  item.arrival = ArrivalOf(*message, topics_.input);
  item.bytes = message->len + message->key_len;
  item.task = &task;
  item.sequence = next_sequence_++;
  item.message = std::move(message);
  task.position = item.arrival.place.offset + 1;
  batch->message_bytes += item.bytes;
  in_flight_ += item.bytes;
  ++batch->awaited;
  ++backlog_;
  if (options_.stateful) return chunks_->Add(*batch, item);
  lanes_->Submit(StrandOf(item),
                 [this, batch, &item](std::size_t lane) { Judge(*batch, item, lane); });
}

void StageRun::ReachedEnd(PartitionTask& task, std::int64_t offset) {
  task.end = offset;
  task.end_position = task.position;
  ReportLag(task);
}

void StageRun::TellReadError(const rd_kafka_message_t& message) {
  const Error error = ToError(message.err, "cannot read " + topics_.input,
                              rd_kafka_message_errstr(&message));
  // What was next is gone; the opener finds out what is left.
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) return RollBack(error);
  if (error.code == ErrorCode::kConfig) Fail(error);
}

// The key of a camera's record is its source, on the topics where that matters.
std::optional<std::uint64_t> StageRun::StrandOf(const BatchItem& item) const {
  const auto partition = static_cast<std::uint64_t>(item.task->partition);
  switch (scope_) {
    case stream::OrderingScope::kNone: return std::nullopt;
    case stream::OrderingScope::kSource:
      return std::hash<std::string_view>()(item.arrival.key.value_or("")) * 31 + partition;
    case stream::OrderingScope::kCollection: return partition;
  }
  return partition;
}

void StageRun::Judge(Batch& batch, BatchItem& item, std::size_t lane) {
  if (failed_) return;
  const StageState state = options_.stateful
                               ? item.task->work()
                               : StageState{lane_processors_[lane].get(), nothing_seen_.get()};
  auto judgement = kafka::Judge(judge_, item.arrival, state, item.sequence);
  if (!judgement) {
    Error error = judgement.error();
    error.message = fmt::format("{} at {}", error.message, Format(item.arrival.place));
    return Fail(std::move(error));
  }
  batch.state_bytes += judgement->state_bytes();
  if (!judgement->dead) item.message.reset();
  item.judgement = std::move(*judgement);
  const bool judged = --batch.awaited == 0;
  const bool hungry = --backlog_ == options_.lanes * kBacklogPerLane / 2;
  if (judged || hungry) wakeup_.Notify();
}

// ---- committing ----------------------------------------------------------------------------

bool StageRun::IsDue(const Batch& batch) const {
  if (batch.items.empty()) return !batch.gaps.empty();
  if (batch.items.size() >= options_.commit.records ||
      batch.message_bytes + batch.state_bytes >= options_.commit.bytes) {
    return true;
  }
  if (batches_.size() > 1) return false;  // while another one is ahead this one can grow
  return SteadyClock::now() >= batch.opened + options_.commit.interval ||
         in_flight_ >= options_.max_bytes_in_flight;
}

void StageRun::CloseIfDue() {
  if (!batches_.empty() && IsDue(*batches_.back())) batches_.back()->Close();
}

void StageRun::HandOver() {
  if (!started_ || committing_ || batches_.empty()) return;
  Batch& batch = *batches_.front();
  if (batch.awaited > 0 || failed_) return;
  committing_ = true;
  committer_->Commit(&batch, consumer_->Metadata());
}

Status StageRun::TakeDone() {
  const auto done = committer_->Take();
  if (!done) return {};
  switch (done->end) {
    case BatchCommitter::End::kStarted: started_ = true; return {};
    case BatchCommitter::End::kCommitted: Conclude(); return {};
    case BatchCommitter::End::kRolledBack:
      committing_ = false;
      RollBack(done->error);
      return {};
    case BatchCommitter::End::kFenced:
      shut_out_ = true;
      [[fallthrough]];
    case BatchCommitter::End::kFailed:
      committing_ = false;
      failed_ = true;
      return done->error;
  }
  return {};
}

void StageRun::Conclude() {
  committing_ = false;
  roll_backs_ = 0;
  const std::unique_ptr<Batch> batch = std::move(batches_.front());
  batches_.pop_front();
  in_flight_ -= batch->message_bytes;
  observer_.Committed(ReportOf(*batch));
  TellGaps(*batch, topics_.input, observer_);
  for (const Gap& gap : batch->gaps) gap.task->committed = gap.end;
  for (BatchItem& item : batch->items) {
    item.task->committed = item.arrival.place.offset + 1;
    TellForgotten(item, observer_);
    for (const record::ImageRecord& record : item.judgement->concluded) observer_.Concluded(record);
  }
  for (const auto& [number, task] : tasks_) ReportLag(*task);
  observer_.InFlight(in_flight_);
}

void StageRun::RollBack(const Error& why) {
  observer_.Aborted(why.message);
  observer_.Event(stream::Severity::kWarning, "a batch was rolled back and is judged again",
                  {{"why", why.message}});
  const Status nothing = consumer_->Read({});
  if (!nothing) Fail(nothing.error());
  AwaitCommitter();
  DropBatches();
  for (auto& [number, task] : tasks_) task->ready = false;
  roll_backs_ = std::min(roll_backs_ + 1, 7);
  reopen_at_ = SteadyClock::now() + std::chrono::milliseconds(50) * (1 << roll_backs_);
}

void StageRun::DropBatches() {
  chunks_->Forget();
  lanes_->Clear();
  batches_.clear();
  backlog_ = 0;
  in_flight_ = 0;
  observer_.InFlight(0);
}

void StageRun::AwaitBatches(SteadyTime deadline) {
  while (!batches_.empty() && started_ && !failed_ && SteadyClock::now() < deadline) {
    batches_.back()->Close();
    HandOver();
    wakeup_.WaitUntil(SteadyClock::now() + kTurn);
    const Status done = TakeDone();
    if (!done) return Fail(done.error());
  }
}

void StageRun::AwaitCommitter() {
  while (committing_) {
    wakeup_.WaitUntil(SteadyClock::now() + kTurn);
    const auto done = committer_->Take();
    if (!done) continue;
    committing_ = false;
    shut_out_ |= done->end == BatchCommitter::End::kFenced;
    if (done->end == BatchCommitter::End::kFailed || shut_out_) Fail(done->error);
    if (done->end == BatchCommitter::End::kRolledBack) observer_.Aborted(done->error.message);
    if (done->end == BatchCommitter::End::kCommitted) Conclude();
  }
}

// ---- telling -------------------------------------------------------------------------------

void StageRun::ReportLag(const PartitionTask& task) {
  const std::int64_t end = task.ready ? consumer_->EndOf(task.partition) : -1;
  if (end < 0) return;
  std::int64_t done = task.committed;
  if (task.end && done >= task.end_position) done = std::max(done, *task.end);
  observer_.Lag(topics_.input, task.partition,
                static_cast<std::uint64_t>(std::max<std::int64_t>(end - done, 0)));
}

void StageRun::ReportStates() {
  for (const auto& [number, task] : tasks_) {
    if (!task->ready || !task->state) continue;
    observer_.StateIs(number, task->state->Figures());
    const stream::ViewFigures view = task->processor->View();
    if (view.memory_bytes > 0) observer_.ViewIs(number, view);
  }
  next_states_ = SteadyClock::now() + kStatesEvery;
}

void StageRun::ReportCondition() {
  const bool restored = std::all_of(tasks_.begin(), tasks_.end(),
                                    [](const auto& entry) { return entry.second->ready; });
  const stream::Condition now = {assigned_, assigned_ && restored, reachable_.answers(),
                                 Redacted(reachable_.why(), options_.client)};
  if (told_ == now) return;
  observer_.Is(now);
  told_ = now;
}

void StageRun::CheckReachable() {
  if (!reachable_.answers() && consumer_->Answers()) reachable_.Answered();
}

void StageRun::Fail(Error error) {
  {
    const MutexLock lock(failure_mutex_);
    if (!failure_) failure_ = std::move(error);
    failed_ = true;
  }
  wakeup_.Notify();
}

std::optional<Error> StageRun::failure() {
  if (!failed_) return std::nullopt;
  const MutexLock lock(failure_mutex_);
  return failure_;
}

}  // namespace winnow::kafka
