#include "tests/bench/stage_loop.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace winnow::bench {
namespace {

using Clock = std::chrono::steady_clock;

stream::Outcome Forward(record::ImageRecord record, const std::string& stage, Timestamp now) {
  record::StageVerdict verdict;
  verdict.stage = stage;
  verdict.time = now;
  return stream::Conclude(std::move(record), std::move(verdict));
}

class PassThrough : public stream::Processor {
 public:
  explicit PassThrough(std::string stage) : stage_(std::move(stage)) {}

  std::string_view name() const override { return stage_; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kNone; }
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView&,
                                  Timestamp now) override {
    return Forward(std::move(record), stage_, now);
  }

 private:
  const std::string stage_;
};

// Writes entries of its own for each record.
class Remembering : public stream::Processor {
 public:
  Remembering(const RestoreOptions& options, std::atomic<std::uint64_t>& found)
      : options_(options), found_(found) {}

  std::string_view name() const override { return options_.stage.stage; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  Status Open(const stream::StateView& state) override {
    if (!options_.count) return {};
    return state.Scan("", [this](std::string_view, std::string_view) {
      ++found_;
      return true;
    });
  }
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView&,
                                  Timestamp now) override {
    const std::string id = record.id.value();
    stream::Outcome outcome = Forward(std::move(record), options_.stage.stage, now);
    for (std::uint64_t i = 0; i < options_.entries_per_record; ++i) {
      std::string key = fmt::format("{}/{:06}", id, i);
      std::string value(options_.entry_bytes - key.size(), 'v');
      outcome.writes.push_back({std::move(key), std::move(value)});
    }
    return outcome;
  }

 private:
  const RestoreOptions& options_;
  std::atomic<std::uint64_t>& found_;
};

// Tells the window, and stops the stage when that has seen enough.
class WindowObserver : public stream::StageObserver {
 public:
  WindowObserver(CommitWindow& window, std::atomic<bool>& stop) : window_(window), stop_(stop) {}

  void Committed(const stream::BatchReport& report) override {
    window_.Committed(report.received);
    if (window_.finished()) stop_ = true;
  }
  bool WantsConcluded(const record::ImageRecord&) const override { return false; }

 private:
  CommitWindow& window_;
  std::atomic<bool>& stop_;
};

class RestoreObserver : public stream::StageObserver {
 public:
  explicit RestoreObserver(std::atomic<bool>& stop) : stop_(stop) {}

  void Restoring(int, std::uint64_t, std::uint64_t) override {
    const MutexLock lock(mutex_);
    Begin();
  }
  void Is(const stream::Condition& condition) override {
    const MutexLock lock(mutex_);
    if (condition.assigned) Begin();
    if (!condition.assigned || !condition.restored || ended_) return;
    ended_ = Clock::now();
    stop_ = true;
  }

  double seconds() const {
    const MutexLock lock(mutex_);
    return began_ && ended_ ? std::chrono::duration<double>(*ended_ - *began_).count() : 0;
  }

 private:
  void Begin() WINNOW_REQUIRES(mutex_) {
    if (!began_) began_ = Clock::now();
  }

  std::atomic<bool>& stop_;
  mutable Mutex mutex_;
  std::optional<Clock::time_point> began_ WINNOW_GUARDED_BY(mutex_);
  std::optional<Clock::time_point> ended_ WINNOW_GUARDED_BY(mutex_);
};

void RunWithEmptyState(const kafka::StageOptions& options,
                       const stream::ProcessorFactory& factory) {
  std::filesystem::create_directories(options.state_directory);
  MustRun(options, factory);
  std::filesystem::remove_all(options.state_directory);
}

}  // namespace

kafka::StageOptions StageOptionsFor(const StageLoopOptions& options) {
  kafka::StageOptions stage;
  stage.client = {options.brokers, options.properties};
  stage.stage = options.stage;
  stage.topic_prefix = options.prefix;
  stage.instance = "bench-0";
  stage.input = options.hop.input;
  stage.output = options.hop.output;
  stage.payload = kafka::PayloadUse::kUntouched;
  stage.collection = CollectionId(std::string(kCollection));
  stage.lanes = options.lanes;
  stage.commit = {.records = 100'000'000,  // the interval decides
                  .bytes = options.max_batch_bytes,
                  .interval = options.interval};
  stage.max_bytes_in_flight = 2 * options.max_batch_bytes;
  return stage;
}

void MustRun(const kafka::StageOptions& options, const stream::ProcessorFactory& factory) {
  const Status status = kafka::RunStage(options, factory);
  if (status) return;
  fmt::print(stderr, "the stage ended: {}\n", status.error().message);
  std::exit(1);
}

void RunPassThrough(const StageLoopOptions& options, CommitWindow& window) {
  std::atomic<bool> stop = false;
  WindowObserver observer(window, stop);
  kafka::StageOptions stage = StageOptionsFor(options);
  stage.stop = &stop;
  stage.observer = &observer;
  MustRun(stage, [&]() -> Result<std::unique_ptr<stream::Processor>> {
    return std::make_unique<PassThrough>(options.stage);
  });
}

Restored RunRestore(const RestoreOptions& options) {
  std::atomic<std::uint64_t> found = 0;
  const stream::ProcessorFactory factory = [&]() -> Result<std::unique_ptr<stream::Processor>> {
    return std::make_unique<Remembering>(options, found);
  };
  std::atomic<bool> stop = false;
  kafka::StageOptions stage = StageOptionsFor(options.stage);
  stage.stateful = true;
  stage.state_directory = options.directory;
  stage.commit.bytes = 32u << 20;
  stage.stop = &stop;

  CommitWindow window(std::chrono::hours(1), options.records);
  WindowObserver filling(window, stop);
  stage.observer = &filling;
  RunWithEmptyState(stage, factory);

  stop = false;
  found = 0;
  RestoreObserver restoring(stop);
  stage.observer = &restoring;
  RunWithEmptyState(stage, factory);
  const std::uint64_t written = options.records * options.entries_per_record;
  return {options.count ? found.load() : written, restoring.seconds()};
}

}  // namespace winnow::bench
