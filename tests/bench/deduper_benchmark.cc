// The deduper as a service runs it, on one partition of images.safe whose payloads are references,
// on a real broker: beside a stage that passes the same records on and a bare transactional loop, in
// the same run. Then: how fast it has its state and index again from the changelog.
//
//   WINNOW_KAFKA_BROKERS=host:port deduper_benchmark [--slice 500000] [--slices 3]
//
// The deduper begins with nothing and runs on; a slice is so many records, so the second slice of a
// million each is measured with an index of a million. With --parts it needs no broker and tells
// what a record costs the lane, with --smoke it measures nothing and holds counts instead.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/service/observers.h"
#include "libs/telemetry/health.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/stage_probe.h"
#include "services/deduper/deduper.h"
#include "services/deduper/probe.h"
#include "tests/bench/bare_loops.h"
#include "tests/bench/deduper_parts.h"
#include "tests/bench/safe_records.h"
#include "tests/bench/scratch_pipeline.h"
#include "tests/bench/stage_loop.h"
#include "tests/bench/stage_meter.h"

namespace winnow::bench {
namespace {

using std::chrono::milliseconds;
using stream::StageStep;

constexpr const char* kStage = "deduper";
constexpr Hop kHop = {kafka::Topic::kSafe, kafka::Topic::kUnique};

struct Options {
  std::string brokers;
  bool smoke = false;
  std::uint64_t parts = 0;
  std::uint64_t slice = 500'000;
  std::uint64_t slices = 3;
  std::vector<int> intervals_ms = {100, 1000};
  std::uint64_t commit_records = 10'000;  // as winnow-deduper
  bool baselines = true;
  bool restore = true;
  Properties properties{};

  std::uint64_t records() const { return slice * slices; }
};

StageLoopOptions LoopOf(const Options& options, const ScratchPipeline& pipeline,
                        const std::string& stage, int interval_ms) {
  return {.brokers = options.brokers,
          .properties = options.properties,
          .prefix = pipeline.prefix(),
          .hop = kHop,
          .stage = stage,
          .interval = milliseconds(interval_ms)};
}

// ---- the yardsticks ------------------------------------------------------------------------

SliceFigures MeasureLoop(const Options& options, ScratchPipeline& pipeline, int interval_ms,
                         bool bare) {
  static int runs = 0;
  const std::string name = fmt::format("bench{}", ++runs);
  CommitWindow window(std::chrono::hours(1), options.slice);
  const double before = CpuSeconds();
  if (bare) {
    RunTransactionalLoop({.brokers = options.brokers,
                          .properties = options.properties,
                          .input = pipeline.input(),
                          .output = pipeline.output(),
                          .group = pipeline.prefix() + name,
                          .interval = milliseconds(interval_ms)},
                         window);
  } else {
    RunPassThrough(LoopOf(options, pipeline, name, interval_ms), window);
  }
  const double cpu = CpuSeconds() - before;
  pipeline.EmptyOutput();
  SliceFigures figures;
  figures.records = window.records();
  figures.records_per_second = window.records_per_second();
  figures.cpu_microseconds = 1e6 * cpu / static_cast<double>(window.records());
  return figures;
}

// ---- the deduper ---------------------------------------------------------------------------

// State directory of one measurement.
class ScratchState {
 public:
  ScratchState()
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("winnow-bench-{}", static_cast<long>(getpid()))) {
    Empty();
  }
  ~ScratchState() { std::filesystem::remove_all(path_); }
  ScratchState(const ScratchState&) = delete;
  ScratchState& operator=(const ScratchState&) = delete;

  void Empty() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

stream::ProcessorFactory Deduper() {
  spec::CollectionSpec spec;
  spec.collection = CollectionId(std::string(kCollection));
  spec.digest = std::string(64, 'a');
  return [spec]() -> Result<std::unique_ptr<stream::Processor>> {
    return deduper::NewDeduper(spec);
  };
}

// As the service runs it, with all that watches it.
void RunDeduper(const Options& options, const ScratchPipeline& pipeline, int interval_ms,
                const std::string& state, stream::StageObserver& meter,
                const std::atomic<bool>& stop) {
  SystemClock clock;
  telemetry::Metrics metrics;
  telemetry::StageProbe probe({kStage, "bench", {}, false}, metrics, clock);
  deduper::DeduperProbe own(metrics);
  telemetry::Health health({.brokers = options.brokers});
  service::Observers observers({&probe, &health, &own, &meter});
  kafka::StageOptions stage = StageOptionsFor(LoopOf(options, pipeline, kStage, interval_ms));
  stage.stateful = true;
  stage.state_directory = state;
  stage.beside = {kafka::Topic::kRejected, kafka::Topic::kDead};
  stage.commit.records = options.commit_records;
  stage.stop = &stop;
  stage.observer = &observers;
  MustRun(stage, Deduper());
}

// When the changelog was read, and when the processor had its index.
class RestoreMeter : public stream::StageObserver {
 public:
  explicit RestoreMeter(std::atomic<bool>& stop) : stop_(stop) {}

  void Restoring(int, std::uint64_t done, std::uint64_t of) override {
    const MutexLock lock(mutex_);
    if (!began_) began_ = Now();
    if (done >= of) read_ = Now();
    entries_ = of;
  }
  void Is(const stream::Condition& condition) override {
    const MutexLock lock(mutex_);
    if (!condition.restored || !read_ || restored_) return;
    restored_ = Now();
    stop_ = true;
  }

  std::string Text() const {
    const MutexLock lock(mutex_);
    const auto seconds = [](auto from, auto to) {
      return std::chrono::duration<double>(*to - *from).count();
    };
    if (!began_ || !read_ || !restored_) return "nothing was restored";
    return fmt::format("{} changelog messages in {:.1f} s, {:.0f}/s; index from state in {:.1f} s",
                       entries_, seconds(began_, read_),
                       static_cast<double>(entries_) / seconds(began_, read_),
                       seconds(read_, restored_));
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static Time Now() { return std::chrono::steady_clock::now(); }

  std::atomic<bool>& stop_;
  mutable Mutex mutex_;
  std::optional<Time> began_ WINNOW_GUARDED_BY(mutex_);
  std::optional<Time> read_ WINNOW_GUARDED_BY(mutex_);
  std::optional<Time> restored_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t entries_ WINNOW_GUARDED_BY(mutex_) = 0;
};

// ---- what is told --------------------------------------------------------------------------

void PrintRow(int interval_ms, const std::string& what, const SliceFigures& figures,
              const std::string& ratios) {
  fmt::print("| {} ms | {} | {:.0f} | {:.1f} | {} |\n", interval_ms, what,
             figures.records_per_second, figures.cpu_microseconds, ratios);
  std::fflush(stdout);
}

std::string StepsText(const StepFigures& figures) {
  std::string text;
  for (const StageStep step : stream::kAllStageSteps) {
    text += fmt::format(" {} {:.2f}", stream::Name(step),
                        figures.at(static_cast<std::size_t>(step)));
  }
  return text;
}

std::string ThreadsText(const SliceFigures& figures) {
  std::string text;
  for (const auto& [name, cpu] : figures.thread_cpu_microseconds) {
    if (cpu >= 0.05) text += fmt::format(" {} {:.2f};", name, cpu);
  }
  return text;
}

void MeasureInterval(const Options& options, int interval_ms) {
  ScratchPipeline pipeline(options.brokers, 1, kStage, kHop);
  const std::uint64_t all = options.records() + options.slice / 10;
  const std::uint64_t bytes = pipeline.Fill(all, SafeRecord);
  fmt::print(stderr, "{} records of {} bytes\n", all, bytes / all);
  SliceFigures bare;
  SliceFigures pass;
  if (options.baselines) {
    bare = MeasureLoop(options, pipeline, interval_ms, true);
    PrintRow(interval_ms, "bare transactional loop", bare, "");
    pass = MeasureLoop(options, pipeline, interval_ms, false);
    PrintRow(interval_ms, "pass-through stage", pass,
             fmt::format("{:.2f}", pass.records_per_second / bare.records_per_second));
  }
  ScratchState state;
  std::atomic<bool> stop = false;
  StageMeter meter(options.records(), stop);
  RunDeduper(options, pipeline, interval_ms, state.path(), meter, stop);
  for (std::uint64_t i = 0; i < options.slices; ++i) {
    const SliceFigures figures = meter.Between(i * options.slice, (i + 1) * options.slice);
    PrintRow(interval_ms, fmt::format("deduper after {}", i * options.slice), figures,
             options.baselines
                 ? fmt::format("{:.2f} | {:.2f}",
                               figures.records_per_second / bare.records_per_second,
                               figures.records_per_second / pass.records_per_second)
                 : "");
    fmt::print(stderr,
               "  us by the clock:{}\n  us of CPU:{}\n  us of CPU by thread:{} {} batches\n",
               StepsText(figures.step_microseconds), StepsText(figures.step_cpu_microseconds),
               ThreadsText(figures), figures.batches);
  }
  if (!options.restore) return;
  state.Empty();
  stop = false;
  RestoreMeter restored(stop);
  RunDeduper(options, pipeline, interval_ms, state.path(), restored, stop);
  fmt::print("restore: {}\n", restored.Text());
}

int MeasureAll(const Options& options) {
  fmt::print("| commit | what | images/s | CPU us an image | to the bare loop | to pass-through |\n"
             "|---|---|---|---|---|---|\n");
  for (const int interval_ms : options.intervals_ms) MeasureInterval(options, interval_ms);
  return 0;
}

int TellParts(const Options& options) {
  fmt::print("| CPU us a record | decode | process | state read | encode | trace | state write | "
             "release | all |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const auto& [name, extent] : {std::pair{"whole", record::Extent::kWhole},
                                     std::pair{"outline", record::Extent::kOutline}}) {
    ScratchState state;
    const PartFigures parts = MeasureParts(Deduper(), options.parts, extent, state.path());
    const double all = parts.decode + parts.process + parts.read + parts.encode + parts.trace +
                       parts.write + parts.release;
    fmt::print("| {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n",
               name, parts.decode, parts.process, parts.read, parts.encode, parts.trace,
               parts.write, parts.release, all);
  }
  return 0;
}

// ---- counts only ---------------------------------------------------------------------------

// Copies and look-alikes are refused, all else is in the output.
int Smoke(const Options& options) {
  constexpr std::uint64_t kRecords = 2000;
  constexpr std::uint64_t kRefused = kRecords / 10;
  ScratchPipeline pipeline(options.brokers, 1, kStage, kHop);
  pipeline.Fill(kRecords, SafeRecord);
  ScratchState state;
  std::atomic<bool> stop = false;
  StageMeter meter(kRecords, stop);
  RunDeduper(options, pipeline, 100, state.path(), meter, stop);
  const std::uint64_t passed = pipeline.CommittedInOutput();
  fmt::print("committed: {} expected, {} found\nin the output: {} expected, {} found\n", kRecords,
             meter.records(), kRecords - kRefused, passed);
  return meter.records() == kRecords && passed == kRecords - kRefused ? 0 : 1;
}

void Describe(CLI::App& app, Options& options) {
  app.add_flag("--smoke", options.smoke, "no measuring: a few records, all of which must arrive");
  app.add_option("--parts", options.parts, "so many records on one thread, without a broker");
  app.add_option("--slice", options.slice, "records measured at a time");
  app.add_option("--slices", options.slices, "one after the other");
  app.add_option("--intervals", options.intervals_ms, "between commits, ms")->delimiter(',');
  app.add_option("--commit-records", options.commit_records, "a commit is due after so many");
  app.add_flag("!--no-baselines", options.baselines, "the deduper alone");
  app.add_flag("!--no-restore", options.restore, "without the restore at the end");
  app.add_option("--property", options.properties, "NAME VALUE, for all clients");
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("The deduper on one partition of references, on a real broker");
  Describe(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.parts > 0) return TellParts(options);
  options.brokers = BrokersFromEnvironment();
  if (options.brokers.empty()) return kExitWithoutBroker;
  return options.smoke ? Smoke(options) : MeasureAll(options);
}

}  // namespace
}  // namespace winnow::bench

int main(int argc, char** argv) { return winnow::bench::Main(argc, argv); }
