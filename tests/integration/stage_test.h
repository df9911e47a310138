// Fixture: a set of topics of its own on the broker that WINNOW_KAFKA_BROKERS names, test stages
// running in threads or processes, and what the topics hold.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/topics.h"
#include "libs/record/image_record.h"
#include "tests/integration/test_stages.h"

namespace winnow::integration {

// A committed message, kept.
struct Message {
  int partition = 0;
  std::int64_t offset = 0;
  Timestamp time{};
  std::string key;
  std::optional<std::string> value;
  std::map<std::string, std::string> headers;

  std::string header(std::string_view name) const;
  // Fails the test if it is not a record.
  record::ImageRecord record(record::Zone zone = record::Zone::kSafe) const;
};

// Adds up what it is told.
class CountingObserver : public stream::StageObserver {
 public:
  void Committed(const stream::BatchReport& report) override;
  void Aborted(std::string_view why) override;
  void Lag(const std::string& topic, int partition, std::uint64_t records) override;
  void Revoked(const std::string& topic, int partition) override;
  void Restoring(int partition, std::uint64_t done, std::uint64_t of) override;
  void Is(const stream::Condition& condition) override;
  void InFlight(std::uint64_t bytes) override;
  void Lost(stream::Loss loss, std::uint64_t records) override;
  void StateIs(int partition, const stream::StateFigures& figures) override;
  void PartsOpen(std::uint64_t parts, std::chrono::nanoseconds oldest) override;
  void PartsPublished(std::uint64_t parts) override;
  void Fenced() override;
  void Event(stream::Severity severity, std::string_view message,
             const stream::EventFields& fields) override;

  std::uint64_t received() const;
  std::uint64_t lost() const;
  std::map<int, stream::StateFigures> states() const;  // of the partitions it has now
  std::uint64_t parts_open() const;
  std::chrono::nanoseconds oldest_part() const;
  std::uint64_t parts_published() const;
  int times_no_part_was_left() const;  // after there had been some
  bool fenced() const;
  std::uint64_t errors() const;  // events of that severity
  std::uint64_t events(const std::string& message) const;
  std::uint64_t settled() const;
  std::uint64_t aborted() const;
  std::map<int, std::uint64_t> lags() const;  // of the partitions it has now
  std::uint64_t restored() const;             // changelog offsets read
  std::uint64_t most_in_flight() const;
  stream::Condition condition() const;

 private:
  mutable Mutex mutex_;
  std::uint64_t received_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t settled_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t aborted_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::map<int, std::uint64_t> lags_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t restored_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t most_in_flight_ WINNOW_GUARDED_BY(mutex_) = 0;
  stream::Condition condition_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t lost_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::map<int, stream::StateFigures> states_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t parts_open_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::chrono::nanoseconds oldest_part_ WINNOW_GUARDED_BY(mutex_){0};
  std::uint64_t parts_published_ WINNOW_GUARDED_BY(mutex_) = 0;
  int times_no_part_was_left_ WINNOW_GUARDED_BY(mutex_) = 0;
  bool fenced_ WINNOW_GUARDED_BY(mutex_) = false;
  std::uint64_t errors_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t> events_ WINNOW_GUARDED_BY(mutex_);
};

// RunStage on a thread, until Stop.
class RunningStage {
 public:
  explicit RunningStage(kafka::StageOptions options);
  RunningStage(kafka::StageOptions options, stream::ProcessorFactory factory);
  ~RunningStage();
  RunningStage(const RunningStage&) = delete;
  RunningStage& operator=(const RunningStage&) = delete;

  Status Stop();
  // Without asking it to stop.
  Status AwaitEnd();
  bool ended() const { return ended_; }
  CountingObserver observer;

 private:
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  kafka::StageOptions options_;
  stream::ProcessorFactory factory_;
  Status status_;
  std::thread thread_;
};

// stage_child, killed at the latest when it goes out of scope.
class ChildStage {
 public:
  explicit ChildStage(const std::vector<std::string>& arguments);
  ~ChildStage();
  ChildStage(const ChildStage&) = delete;
  ChildStage& operator=(const ChildStage&) = delete;

  void Signal(int number) const;
  // Its exit code; -1 if a signal ended it or it does not end.
  int Await();

 private:
  pid_t pid_ = -1;
};

class StageTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // All topics and the changelogs of the test stages.
  void MakeTopics(int partitions, const std::map<std::string, std::string>& configs = {});
  void MakeTopic(const std::string& name, int partitions,
                 const std::map<std::string, std::string>& configs = {});

  void Send(kafka::Topic topic, const record::ImageRecord& record,
            const std::map<std::string, std::string>& headers = {});
  void SendBytes(kafka::Topic topic, const std::string& key, const std::string& value,
                 const std::map<std::string, std::string>& headers = {});
  // To every partition.
  void OrderToForget(kafka::Topic topic, const std::string& id, int partitions);
  void Flush();
  // What lies before the offset, as retention would.
  void DeleteRecords(kafka::Topic topic, int partition, std::int64_t before) const;

  std::vector<Message> Read(kafka::Topic topic) const;
  std::vector<Message> Read(const std::string& topic) const;
  // Outcomes by origin, over all topics a stage writes but images.deferred.
  std::map<std::string, int> OutcomesByOrigin(kafka::Topic output) const;
  std::size_t CountOutcomes(kafka::Topic output) const;
  std::string Name(kafka::Topic topic) const { return kafka::TopicName(topic, prefix_); }

  kafka::StageOptions Options(std::string_view stage) const;
  std::vector<std::string> ChildArguments(std::string_view stage) const;
  std::string StateDirectory(std::string_view stage) const;
  kafka::ClientConfig client() const { return {.brokers = brokers_, .properties = {}}; }

  std::string brokers_;
  std::string prefix_;
  std::string directory_;

 private:
  struct Sender;
  std::shared_ptr<Sender> sender_;
};

record::ImageRecord RecordOf(const std::string& id, const std::string& wish = "");
record::ImageRecord FrameOf(const std::string& camera, int number);
record::RawPayload RawBytes(std::string bytes);

// True as soon as `condition` holds, false when it does not within 30 s.
bool Eventually(const std::function<bool()>& condition);

}  // namespace winnow::integration
