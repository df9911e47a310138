#include "libs/kafka/sink_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/kafka/arrival.h"
#include "libs/kafka/partition_state.h"

namespace winnow::kafka {
namespace {

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::chrono::milliseconds kReadFor{50};
constexpr std::chrono::seconds kCheckEvery{1};
constexpr std::chrono::milliseconds kPatience{2'000};
constexpr int kMaxMishaps = 6;
constexpr int kMaxBlobAttempts = 7;
constexpr std::uint64_t kDeadBytesUnderWay = 16u << 20;

StageOptions MemberOf(const SinkOptions& options) {
  StageOptions member;
  member.client = options.client;
  member.stage = options.stage;
  member.topic_prefix = options.topic_prefix;
  member.instance = options.instance;
  member.input = options.input;
  member.session_timeout = options.session_timeout;
  return member;
}

StageTopics TopicsOf(const StageOptions& member) {
  StageTopics topics = NamesOf(member);
  topics.outputs = {{Topic::kDead, TopicName(Topic::kDead, member.topic_prefix)}};
  return topics;
}

std::uint64_t BytesOf(const rd_kafka_message_t& message) {
  return message.len + message.key_len;
}

std::chrono::milliseconds Backoff(int attempt) {
  return std::chrono::milliseconds(100) * (1 << std::min(attempt, 6));
}

}  // namespace

SinkRun::SinkRun(const SinkOptions& options, const stream::ProcessorFactory& factory,
                 const stream::PartitionOutputFactory& outputs)
    : options_(options),
      factory_(factory),
      outputs_(outputs),
      observer_(options.observer != nullptr ? *options.observer : silent_),
      member_(MemberOf(options)),
      topics_(TopicsOf(member_)) {}

SinkRun::~SinkRun() {
  held_.reset();
  consumer_.reset();
}

Status SinkRun::Run() {
  WINNOW_RETURN_IF_ERROR(OpenProcessor());
  const Status prepared = Prepare();
  if (!prepared && prepared.error().code == ErrorCode::kCancelled) return {};
  WINNOW_RETURN_IF_ERROR(prepared);
  const Status ended = Work();
  if (!ended && consumer_->fenced()) observer_.Fenced();
  return ended;
}

Status SinkRun::Work() {
  while (!stopped()) {
    WINNOW_RETURN_IF_ERROR(Turn());
    wakeup_.WaitUntil(SteadyClock::now() + kTurn);
  }
  Drain();
  return {};
}

// ---- beginning and end ---------------------------------------------------------------------

Status SinkRun::OpenProcessor() {
  nothing_ = state::NewMemoryStore();
  nothing_seen_ = std::make_unique<state::Overlay>(*nothing_, std::string(kStateFamily));
  WINNOW_ASSIGN_OR_RETURN(processor_, factory_());
  if (processor_->name() != options_.stage) {
    return BugError(fmt::format("stage '{}' was given the processor '{}'", options_.stage,
                                processor_->name()));
  }
  return processor_->Open(*nothing_seen_);
}

Status SinkRun::Prepare() {
  ReportCondition();
  WINNOW_RETURN_IF_ERROR(AwaitCluster(options_.client, topics_, reachable_, options_.stop,
                                      [this] { ReportCondition(); }));
  judge_ = {.stage = options_.stage,
            .input = options_.input,
            .collection = options_.collection,
            .max_payload_bytes = options_.max_payload_bytes,
            .safe_blobs = options_.safe_blobs,
            .dead_topic = topics_.outputs.at(Topic::kDead),
            .max_dead_bytes = topics_.max_message_bytes.count(Topic::kDead) > 0
                                  ? topics_.max_message_bytes.at(Topic::kDead)
                                  : 1u << 20,
            .observer = &observer_};
  WINNOW_ASSIGN_OR_RETURN(producer_, NewRecordProducer(options_.client, 2 * kDeadBytesUnderWay));
  WINNOW_ASSIGN_OR_RETURN(probe_, NewClient(RD_KAFKA_CONSUMER, options_.client,
                                            {{"group.id", topics_.group},
                                             {"isolation.level", "read_uncommitted"}}));
  WINNOW_ASSIGN_OR_RETURN(consumer_,
                          StageConsumer::Join(member_, topics_, *this, reachable_, wakeup_));
  return {};
}

// Open parts are not sealed: the log has what is in them.
void SinkRun::Drain() {
  const Status confirmed = producer_->Flush(options_.drain_timeout);
  if (!confirmed) {
    observer_.Event(stream::Severity::kWarning, "dead letters will be sent again",
                    {{"why", confirmed.error().message}});
  }
  if (unconfirmed_ == 0 && !refused_) Tell();
  // The commits of the last turns are under way.
  const Status served = consumer_->Serve();
  static_cast<void>(served);
}

Status SinkRun::Turn() {
  WINNOW_RETURN_IF_ERROR(consumer_->Serve());
  WINNOW_RETURN_IF_ERROR(OpenDue());
  WINNOW_RETURN_IF_ERROR(ReadSome());
  WINNOW_RETURN_IF_ERROR(ConfirmDeadLetters());
  WINNOW_RETURN_IF_ERROR(SealDue());
  if (unconfirmed_ == 0) Tell();
  TellParts();
  if (SteadyClock::now() >= next_check_) {
    if (!reachable_.answers() && consumer_->Answers()) reachable_.Answered();
    for (const auto& [number, task] : tasks_) ReportLag(*task);
    next_check_ = SteadyClock::now() + kCheckEvery;
  }
  ReportCondition();
  return {};
}

// ---- partitions ----------------------------------------------------------------------------

void SinkRun::Assigned(const std::vector<int>& partitions) {
  assigned_ = true;
  const Status none_yet = consumer_->Read({});
  if (!none_yet) refused_ = none_yet.error();
  for (const int partition : partitions) tasks_[partition] = std::make_unique<Task>(partition);
  observer_.Event(
      stream::Severity::kInfo, "partitions assigned",
      {{"topic", topics_.input}, {"partitions", fmt::format("{}", fmt::join(partitions, ","))}});
}

// What is open is left to who has the partition next.
void SinkRun::Revoked(Cause cause) {
  assigned_ = false;
  ReportCondition();
  held_.reset();
  TellParts();
  for (const auto& [number, task] : tasks_) observer_.Revoked(topics_.input, number);
  tasks_.clear();
  observer_.InFlight(0);
  observer_.PartsOpen(0, std::chrono::nanoseconds(0));
  const bool lost = cause == Cause::kLost;
  observer_.Event(lost ? stream::Severity::kWarning : stream::Severity::kInfo,
                  lost ? "partitions lost" : "partitions given back", {{"topic", topics_.input}});
}

Status SinkRun::OpenDue() {
  bool opened = false;
  for (const auto& [number, task] : tasks_) {
    if (task->partition.ready() || SteadyClock::now() < task->open_at) continue;
    const Status status = Open(*task);
    if (!status) WINNOW_RETURN_IF_ERROR(Mishap(*task, status.error()));
    opened |= status.has_value();
    if (stopped()) return {};
  }
  return opened ? ReadReady() : Status();
}

Status SinkRun::Open(Task& task) {
  WINNOW_ASSIGN_OR_RETURN(auto output, outputs_(task.partition.number()));
  WINNOW_RETURN_IF_ERROR(task.partition.Open(std::move(output)));
  const Status checked = CheckLog(task.partition);
  if (!checked) task.partition.Drop();
  return checked;
}

Status SinkRun::CheckLog(const SinkPartition& partition) {
  const auto log = QueryWatermarks(probe_.get(), topics_.input, partition.number(), kPatience);
  if (!log) {
    reachable_.Lost();
    return log.error();
  }
  if (partition.position() < log->low) {
    return CorruptStateError(fmt::format(
        "records {} to {} of {}/{} are not in the dataset and not in the topic any more: its "
        "retention deleted them before the sink had published them; raise retention.ms (README.md "
        "says how to go on without them)",
        partition.position(), log->low - 1, topics_.input, partition.number()));
  }
  if (partition.position() > log->high) {
    return CorruptStateError(fmt::format(
        "the dataset holds {}/{} up to offset {}, but the topic ends at {}: it was made anew; use "
        "another output directory",
        topics_.input, partition.number(), partition.position(), log->high));
  }
  return {};
}

Status SinkRun::ReadReady() {
  held_.reset();
  std::vector<std::pair<int, std::int64_t>> positions;
  for (const auto& [number, task] : tasks_) {
    if (task->partition.ready()) positions.emplace_back(number, task->partition.position());
  }
  return consumer_->Read(positions);
}

// Another writer was first, the disk is full, the broker does not answer: begin anew at what is
// published. Bounded while a broker answers: then it is for a person, or for the one who restarts.
Status SinkRun::Mishap(Task& task, const Error& why) {
  if (why.code != ErrorCode::kUnavailable) return why;
  const std::int64_t got_to = task.partition.published_until();
  if (task.partition.ready() && got_to > task.got_to) task.mishaps = 0;
  if (task.partition.ready()) task.got_to = std::max(task.got_to, got_to);
  if (reachable_.answers() && ++task.mishaps >= kMaxMishaps) return why;
  observer_.Aborted(why.message);
  observer_.Event(stream::Severity::kWarning, "a partition is opened again",
                  {{"topic", topics_.input},
                   {"partition", std::to_string(task.partition.number())},
                   {"why", why.message}});
  task.partition.Drop();
  task.open_at = SteadyClock::now() + Backoff(task.mishaps);
  return ReadReady();
}

// ---- messages ------------------------------------------------------------------------------

Status SinkRun::ReadSome() {
  const SteadyTime until = SteadyClock::now() + kReadFor;
  while (SteadyClock::now() < until && !stopped()) {
    if (unconfirmed_bytes_ > kDeadBytesUnderWay) return {};
    if (held_ && SteadyClock::now() < held_until_) return {};
    RdMessage message = held_ ? std::move(held_) : consumer_->Take();
    if (!message) return {};
    WINNOW_RETURN_IF_ERROR(Dispatch(std::move(message)));
  }
  wakeup_.Notify();  // there may be more
  return {};
}

Status SinkRun::Dispatch(RdMessage message) {
  const auto found = tasks_.find(message->partition);
  if (found == tasks_.end() || !found->second->partition.ready()) return {};
  Task& task = *found->second;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    task.partition.ReachedEnd(message->offset);
    return {};
  }
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (message->offset < task.partition.position()) return {};
    return Handle(task, std::move(message));
  }
  const Error error = ToError(message->err, "cannot read " + topics_.input,
                              rd_kafka_message_errstr(message.get()));
  if (error.code == ErrorCode::kConfig) return error;
  // What was next is gone: opening finds out what is left.
  if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
    return Mishap(task, UnavailableError(error.message));
  }
  return {};
}

Status SinkRun::Handle(Task& task, RdMessage message) {
  const Arrival arrival = ArrivalOf(*message, topics_.input);
  auto judgement = JudgeForSink(judge_, arrival, *processor_, *nothing_seen_);
  if (!judgement && judgement.error().code == ErrorCode::kUnavailable) {
    return AwayFromBlobs(std::move(message), judgement.error());
  }
  if (!judgement) {
    Error error = judgement.error();
    error.message += " at " + Format(arrival.place);
    return error;
  }
  blob_attempts_ = 0;
  if (judgement->dead) return Bury(task, arrival, *judgement);
  // Storing may publish, which dead letters before it must not be lost to.
  if (unconfirmed_ > 0) return Hold(std::move(message), std::chrono::milliseconds(0));
  return Store(task, std::move(judgement->record), *message);
}

Status SinkRun::Hold(RdMessage message, std::chrono::milliseconds pause) {
  held_ = std::move(message);
  held_until_ = SteadyClock::now() + pause;
  return ConfirmDeadLetters();
}

Status SinkRun::AwayFromBlobs(RdMessage message, const Error& why) {
  if (++blob_attempts_ >= kMaxBlobAttempts) return why;
  observer_.Event(stream::Severity::kWarning, "a payload cannot be read now, trying again",
                  {{"why", why.message}});
  return Hold(std::move(message), Backoff(blob_attempts_));
}

Status SinkRun::Bury(Task& task, const Arrival& arrival, const SinkJudgement& judgement) {
  OutgoingMessage letter = DeadLetterOf(judge_, arrival, judgement);
  const std::uint64_t bytes = letter.value->size();
  ++unconfirmed_;
  unconfirmed_bytes_ += bytes;
  WINNOW_RETURN_IF_ERROR(producer_->Send(std::move(letter), [this, bytes](Status sent) {
    --unconfirmed_;
    unconfirmed_bytes_ -= bytes;
    if (!sent) refused_ = sent.error();
  }));
  observer_.Event(stream::Severity::kError, "a message became a dead letter",
                  {{"message", Format(arrival.place)},
                   {"reason", std::string(Name(*judgement.dead))},
                   {"detail", judgement.detail}});
  task.partition.PassOver(*judgement.dead, arrival.place.offset,
                          arrival.value.value_or("").size() + arrival.key.value_or("").size(),
                          SteadyClock::now());
  return {};
}

Status SinkRun::Store(Task& task, record::ImageRecord record, const rd_kafka_message_t& message) {
  const std::int64_t before = task.partition.published_until();
  const SteadyTime begin = SteadyClock::now();
  const auto result =
      task.partition.Append(record, message.offset, BytesOf(message), SteadyClock::now());
  if (!result) return Mishap(task, result.error());
  if (task.partition.published_until() > before) {
    observer_.Took(stream::StageStep::kCommit, SteadyClock::now() - begin);
  }
  std::int64_t& concluded = concluded_until_[message.partition];
  if (*result != stream::AppendResult::kTaken || message.offset < concluded) return {};
  concluded = message.offset + 1;
  record.payload = std::monostate();
  observer_.Concluded(record);
  return {};
}

Status SinkRun::ConfirmDeadLetters() {
  if (unconfirmed_ > 0) {
    const SteadyTime begin = SteadyClock::now();
    const Status flushed = producer_->Flush(kTurn);
    static_cast<void>(flushed);  // what is not confirmed yet is tried in the next turn
    observer_.Took(stream::StageStep::kProduce, SteadyClock::now() - begin);
  }
  if (refused_) return *refused_;
  return {};
}

Status SinkRun::SealDue() {
  if (unconfirmed_ > 0 || held_) return {};
  for (const auto& [number, task] : tasks_) {
    if (!task->partition.ready()) continue;
    const Status sealed =
        task->partition.SealIfDue(options_.seal_when_idle, SteadyClock::now());
    if (!sealed) return Mishap(*task, sealed.error());
    const Status taken_out =
        task->partition.TakeOutIfDue(options_.seal_when_idle, SteadyClock::now());
    if (!taken_out) return Mishap(*task, taken_out.error());
  }
  return {};
}

// ---- telling -------------------------------------------------------------------------------

void SinkRun::Tell() {
  stream::BatchReport report;
  bool any = false;
  std::uint64_t open_bytes = 0;
  for (const auto& [number, task] : tasks_) {
    if (!task->partition.ready()) continue;
    any |= task->partition.TakePublished(report);
    open_bytes += task->partition.open_bytes();
    const std::int64_t until = task->partition.published_until();
    if (until <= task->committed) continue;
    consumer_->CommitAsync(number, until);
    task->committed = until;
    ReportLag(*task);
  }
  if (any) observer_.Committed(report);
  if (any || open_bytes > 0) observer_.InFlight(open_bytes);
}

void SinkRun::TellParts() {
  const SteadyTime now = SteadyClock::now();
  std::uint64_t open = 0;
  std::uint64_t published = 0;
  SteadyTime oldest = now;
  for (const auto& [number, task] : tasks_) {
    open += task->partition.open_parts();
    published += task->partition.TakePublishedParts();
    const stream::TakenOut taken_out = task->partition.NewlyTakenOut();
    if (taken_out.records > 0) observer_.TookOut(taken_out);
    oldest = std::min(oldest, task->partition.open_since().value_or(now));
  }
  if (published > 0) observer_.PartsPublished(published);
  observer_.PartsOpen(open, now - oldest);
}

void SinkRun::ReportLag(const Task& task) {
  const std::int64_t end =
      task.partition.ready() ? consumer_->EndOf(task.partition.number()) : -1;
  if (end < 0) return;
  const std::int64_t behind = end - task.partition.published_until();
  observer_.Lag(topics_.input, task.partition.number(),
                static_cast<std::uint64_t>(std::max<std::int64_t>(behind, 0)));
}

void SinkRun::ReportCondition() {
  const bool opened = std::all_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
    return entry.second->partition.ready();
  });
  const stream::Condition now = {assigned_, assigned_ && opened, reachable_.answers(),
                                 Redacted(reachable_.why(), options_.client)};
  if (told_ == now) return;
  observer_.Is(now);
  told_ = now;
}

}  // namespace winnow::kafka
