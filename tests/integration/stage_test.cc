#include "tests/integration/stage_test.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "libs/kafka/client.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topic_admin.h"
#include "libs/record/codec.h"

extern char** environ;

namespace winnow::integration {
namespace {

using kafka::Topic;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{30};
// Of now: what is older than a week the broker deletes.
const Timestamp kSent = SystemClock().Now();

}  // namespace

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = SteadyClock::now() + kPatience;
  while (!condition()) {
    if (SteadyClock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// ---- messages ------------------------------------------------------------------------------

std::string Message::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string() : found->second;
}

record::ImageRecord Message::record(record::Zone zone) const {
  auto decoded = record::RecordCodec::Decode(value.value_or(""), zone);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded ? *decoded : record::ImageRecord();
}

record::ImageRecord RecordOf(const std::string& id, const std::string& wish) {
  record::ImageRecord record;
  record.id = RecordId(id);
  record.collection = CollectionId(std::string(kCollection));
  record.source.id = SourceId("folder");
  record.source.path = id + ".jpg";
  if (!wish.empty()) record.attributes["do"] = wish;
  return record;
}

record::ImageRecord FrameOf(const std::string& camera, int number) {
  record::ImageRecord record = RecordOf(fmt::format("{}-{}", camera, number));
  record.source.id = SourceId(camera);
  record.source.kind = record::SourceKind::kCamera;
  record.attributes["frame"] = std::to_string(number);
  return record;
}

record::RawPayload RawBytes(std::string bytes) {
  record::PayloadContent content;
  content.sha256 = Sha256(bytes);
  content.bytes = SharedBytes(std::move(bytes));
  content.media_type = "image/jpeg";
  return {std::move(content)};
}

// ---- observer ------------------------------------------------------------------------------

void CountingObserver::Committed(const stream::BatchReport& report) {
  const MutexLock lock(mutex_);
  received_ += report.received;
  std::uint64_t told = 0;
  for (const auto& [reason, count] : report.dead) told += count;
  for (const auto& [verdict, count] : report.outcomes) told += count;
  for (const auto& [verdict, count] : report.settled) settled_ += count;
  EXPECT_EQ(told, report.received) << "conservation within a batch";
}

void CountingObserver::Aborted(std::string_view) {
  const MutexLock lock(mutex_);
  ++aborted_;
}

void CountingObserver::Lag(const std::string&, int partition, std::uint64_t records) {
  const MutexLock lock(mutex_);
  lags_[partition] = records;
}

void CountingObserver::Revoked(const std::string&, int partition) {
  const MutexLock lock(mutex_);
  lags_.erase(partition);
  states_.erase(partition);
}

void CountingObserver::Lost(stream::Loss, std::uint64_t records) {
  const MutexLock lock(mutex_);
  lost_ += records;
}

void CountingObserver::StateIs(int partition, const stream::StateFigures& figures) {
  const MutexLock lock(mutex_);
  states_[partition] = figures;
}

void CountingObserver::PartsOpen(std::uint64_t parts, std::chrono::nanoseconds oldest) {
  const MutexLock lock(mutex_);
  if (parts_open_ > 0 && parts == 0) ++times_no_part_was_left_;
  parts_open_ = parts;
  oldest_part_ = oldest;
}

void CountingObserver::PartsPublished(std::uint64_t parts) {
  const MutexLock lock(mutex_);
  parts_published_ += parts;
}

void CountingObserver::Fenced() {
  const MutexLock lock(mutex_);
  fenced_ = true;
}

void CountingObserver::Event(stream::Severity severity, std::string_view message,
                             const stream::EventFields&) {
  const MutexLock lock(mutex_);
  ++events_[std::string(message)];
  errors_ += severity == stream::Severity::kError ? 1 : 0;
}

void CountingObserver::Restoring(int, std::uint64_t done, std::uint64_t of) {
  const MutexLock lock(mutex_);
  if (done == of) restored_ += of;
}

void CountingObserver::Is(const stream::Condition& condition) {
  const MutexLock lock(mutex_);
  condition_ = condition;
}

void CountingObserver::InFlight(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  most_in_flight_ = std::max(most_in_flight_, bytes);
}

std::uint64_t CountingObserver::received() const {
  const MutexLock lock(mutex_);
  return received_;
}
std::uint64_t CountingObserver::lost() const {
  const MutexLock lock(mutex_);
  return lost_;
}
std::map<int, stream::StateFigures> CountingObserver::states() const {
  const MutexLock lock(mutex_);
  return states_;
}
std::uint64_t CountingObserver::parts_open() const {
  const MutexLock lock(mutex_);
  return parts_open_;
}
std::chrono::nanoseconds CountingObserver::oldest_part() const {
  const MutexLock lock(mutex_);
  return oldest_part_;
}
std::uint64_t CountingObserver::parts_published() const {
  const MutexLock lock(mutex_);
  return parts_published_;
}
int CountingObserver::times_no_part_was_left() const {
  const MutexLock lock(mutex_);
  return times_no_part_was_left_;
}
bool CountingObserver::fenced() const {
  const MutexLock lock(mutex_);
  return fenced_;
}
std::uint64_t CountingObserver::errors() const {
  const MutexLock lock(mutex_);
  return errors_;
}
std::uint64_t CountingObserver::events(const std::string& message) const {
  const MutexLock lock(mutex_);
  const auto found = events_.find(message);
  return found == events_.end() ? 0 : found->second;
}
std::uint64_t CountingObserver::settled() const {
  const MutexLock lock(mutex_);
  return settled_;
}
std::uint64_t CountingObserver::aborted() const {
  const MutexLock lock(mutex_);
  return aborted_;
}
std::map<int, std::uint64_t> CountingObserver::lags() const {
  const MutexLock lock(mutex_);
  return lags_;
}
std::uint64_t CountingObserver::restored() const {
  const MutexLock lock(mutex_);
  return restored_;
}
std::uint64_t CountingObserver::most_in_flight() const {
  const MutexLock lock(mutex_);
  return most_in_flight_;
}
stream::Condition CountingObserver::condition() const {
  const MutexLock lock(mutex_);
  return condition_;
}

// ---- stages --------------------------------------------------------------------------------

RunningStage::RunningStage(kafka::StageOptions options)
    : RunningStage(options, FactoryOf(options.stage)) {}

RunningStage::RunningStage(kafka::StageOptions options, stream::ProcessorFactory factory)
    : options_(std::move(options)), factory_(std::move(factory)) {
  options_.stop = &stop_;
  if (options_.observer == nullptr) options_.observer = &observer;
  thread_ = std::thread([this] {
    status_ = kafka::RunStage(options_, factory_);
    ended_ = true;
  });
}

RunningStage::~RunningStage() {
  if (!thread_.joinable()) return;
  EXPECT_TRUE(Stop());
}

Status RunningStage::Stop() {
  stop_ = true;
  return AwaitEnd();
}

Status RunningStage::AwaitEnd() {
  if (thread_.joinable()) thread_.join();
  return status_;
}

ChildStage::ChildStage(const std::vector<std::string>& arguments) {
  const std::string program =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "stage_child").string();
  std::vector<char*> raw = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  EXPECT_EQ(posix_spawn(&pid_, program.c_str(), nullptr, nullptr, raw.data(), environ), 0);
}

ChildStage::~ChildStage() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void ChildStage::Signal(int number) const { kill(pid_, number); }

int ChildStage::Await() {
  int status = 0;
  const bool ended = Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  if (!ended) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// ---- fixture -------------------------------------------------------------------------------

struct StageTest::Sender {
  std::unique_ptr<kafka::RecordProducer> producer;
};

void StageTest::SetUp() {
  const char* brokers = std::getenv("WINNOW_KAFKA_BROKERS");
  if (brokers == nullptr) GTEST_SKIP() << "WINNOW_KAFKA_BROKERS names no broker";
  brokers_ = brokers;
  const unsigned number = std::random_device()();
  prefix_ = fmt::format("t{:08x}.", number);
  directory_ = (std::filesystem::temp_directory_path() / fmt::format("winnow-{:08x}", number));
  std::filesystem::create_directories(directory_);
  auto producer = kafka::NewRecordProducer(client(), 64u << 20);
  ASSERT_TRUE(producer) << producer.error().message;
  sender_ = std::make_shared<Sender>();
  sender_->producer = std::move(*producer);
}

void StageTest::TearDown() {
  sender_.reset();
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

void StageTest::MakeTopic(const std::string& name, int partitions,
                          const std::map<std::string, std::string>& configs) {
  const auto made = kafka::ApplyTopics(
      client(), prefix_, {{.name = name, .partitions = partitions, .configs = configs}},
      kafka::TopicMode::kApply);
  ASSERT_TRUE(made) << made.error().message;
}

void StageTest::MakeTopics(int partitions, const std::map<std::string, std::string>& configs) {
  std::vector<kafka::TopicDeclaration> topics;
  for (const Topic topic : kafka::kAllTopics) {
    topics.push_back({.name = kafka::TopicName(topic, ""),
                      .partitions = partitions,
                      .configs = configs});
  }
  for (const std::string_view stage : {kCounter, kKeeper}) {
    topics.push_back({.name = kafka::ChangelogName(stage, ""),
                      .partitions = partitions,
                      .configs = {{"cleanup.policy", "compact"}}});
  }
  const auto made = kafka::ApplyTopics(client(), prefix_, topics, kafka::TopicMode::kApply);
  ASSERT_TRUE(made) << made.error().message;
}

void StageTest::Send(Topic topic, const record::ImageRecord& record,
                     const std::map<std::string, std::string>& headers) {
  SendBytes(topic, kafka::KeyOf(topic, record), record::RecordCodec::Encode(record), headers);
}

void StageTest::SendBytes(Topic topic, const std::string& key, const std::string& value,
                          const std::map<std::string, std::string>& headers) {
  const Status sent = sender_->producer->Send(
      {.topic = Name(topic), .key = key, .value = value, .headers = headers, .time = kSent},
      [](const Status& taken) { EXPECT_TRUE(taken) << taken.error().message; });
  ASSERT_TRUE(sent) << sent.error().message;
}

void StageTest::OrderToForget(Topic topic, const std::string& id, int partitions) {
  for (int partition = 0; partition < partitions; ++partition) {
    const Status sent = sender_->producer->Send(
        {.topic = Name(topic),
         .partition = partition,
         .headers = {{std::string(kafka::kForgetHeader), id}},
         .time = kSent},
        [](const Status& taken) { EXPECT_TRUE(taken) << taken.error().message; });
    ASSERT_TRUE(sent) << sent.error().message;
  }
}

void StageTest::Flush() { ASSERT_TRUE(sender_->producer->Flush(kPatience)); }

void StageTest::DeleteRecords(Topic topic, int partition, std::int64_t before) const {
  const auto made = kafka::NewClient(RD_KAFKA_PRODUCER, client(), {});
  ASSERT_TRUE(made) << made.error().message;
  const kafka::RdPartitions offsets = kafka::NewPartitions();
  kafka::Add(offsets.get(), Name(topic), partition, before);
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(offsets.get());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(made->get());
  rd_kafka_DeleteRecords(made->get(), &request, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 20'000);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(request);
}

std::vector<Message> StageTest::Read(Topic topic) const { return Read(Name(topic)); }

std::vector<Message> StageTest::Read(const std::string& topic) const {
  std::vector<Message> messages;
  const Status read = kafka::ReadTopic(client(), topic, [&](const kafka::LogEntry& entry) {
    Message message;
    message.partition = entry.partition;
    message.offset = entry.offset;
    message.time = entry.time;
    message.key = entry.key.value_or("");
    if (entry.value) message.value = std::string(*entry.value);
    message.headers = entry.headers;
    messages.push_back(std::move(message));
    return true;
  });
  EXPECT_TRUE(read) << read.error().message;
  return messages;
}

std::map<std::string, int> StageTest::OutcomesByOrigin(Topic output) const {
  std::map<std::string, int> outcomes;
  for (const Topic topic : {output, Topic::kRejected, Topic::kReview, Topic::kDead}) {
    for (const Message& message : Read(topic)) ++outcomes[message.header(kafka::kOriginHeader)];
  }
  return outcomes;
}

std::size_t StageTest::CountOutcomes(Topic output) const {
  std::size_t count = 0;
  for (const auto& [origin, times] : OutcomesByOrigin(output)) {
    count += static_cast<std::size_t>(times);
  }
  return count;
}

std::string StageTest::StateDirectory(std::string_view stage) const {
  return fmt::format("{}/{}", directory_, stage);
}

kafka::StageOptions StageTest::Options(std::string_view stage) const {
  return OptionsOf(stage, brokers_, prefix_, StateDirectory(stage));
}

std::vector<std::string> StageTest::ChildArguments(std::string_view stage) const {
  return {std::string(stage), brokers_, prefix_, StateDirectory(stage),
          std::string(stage) + "-0"};
}

}  // namespace winnow::integration
