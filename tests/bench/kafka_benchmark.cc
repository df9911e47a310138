// kafka::RunStage against what librdkafka alone can do, on a real broker, in one run: the same
// messages through a bare loop without transactions, a bare loop with them, and a stage whose
// processor passes records on. Then: how fast a stage restores its state from its changelog.
//
//   WINNOW_KAFKA_BROKERS=host:port kafka_benchmark [--short] [--json FILE]
//
// Loops take turns, since machines are noisy; rates are of the time from a loop's first commit to
// its last. With --smoke it measures nothing and holds counts instead: what goes in comes out.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/bare_loops.h"
#include "tests/bench/kafka_report.h"
#include "tests/bench/scratch_pipeline.h"
#include "tests/bench/stage_loop.h"
#include "tests/bench/stage_meter.h"

namespace winnow::bench {
namespace {

using std::chrono::milliseconds;

constexpr const char* kRestoreStage = "bench-restore";
constexpr std::uint64_t kEntriesPerRecord = 100;
constexpr std::uint64_t kWarmUpBytes = 300'000'000;
constexpr std::uint64_t kMostInputBytes = 5'000'000'000;

struct Options {
  std::string brokers;
  std::string json;
  bool smoke = false;
  bool brief = false;
  int rounds = 3;
  int partitions = 4;
  std::size_t lanes = 1;
  std::vector<std::size_t> sizes = {1'000, 100'000, 800'000};
  std::vector<int> intervals_ms = {100, 1000};
  std::vector<std::string> loops = {"plain", "transactional", "stage"};
  std::uint64_t restore_entries = 200'000;
  Properties properties{};
};

milliseconds WindowFor(const Options& options, int interval_ms) {
  if (options.brief) return milliseconds(interval_ms < 1000 ? 700 : 2000);
  return milliseconds(interval_ms < 1000 ? 2000 : 3000);
}

// What a loop of this rate gets through from its start to the end of its window, and half as much
// again, since others may be faster.
std::uint64_t InputFor(const Options& options, double records_per_second,
                       std::size_t message_bytes) {
  const int interval_ms =
      *std::max_element(options.intervals_ms.begin(), options.intervals_ms.end());
  const milliseconds all = WindowFor(options, interval_ms) + 2 * milliseconds(interval_ms);
  const double records = 1.5 * records_per_second * std::chrono::duration<double>(all).count();
  return std::min(static_cast<std::uint64_t>(records), kMostInputBytes / message_bytes);
}

bool IsWanted(const Options& options, LoopKind kind) {
  return std::find(options.loops.begin(), options.loops.end(), Name(kind)) != options.loops.end();
}

// One loop from the beginning of the input, under a group name nobody used before.
void RunLoop(const Options& options, const ScratchPipeline& pipeline, LoopKind kind,
             milliseconds interval, CommitWindow& window) {
  static int runs = 0;
  const std::string name = fmt::format("bench{}", ++runs);
  if (kind == LoopKind::kStage) {
    return RunPassThrough({.brokers = options.brokers,
                           .properties = options.properties,
                           .prefix = pipeline.prefix(),
                           .stage = name,
                           .interval = interval,
                           .lanes = options.lanes},
                          window);
  }
  const LoopOptions loop = {.brokers = options.brokers,
                            .properties = options.properties,
                            .input = pipeline.input(),
                            .output = pipeline.output(),
                            .group = pipeline.prefix() + name,
                            .interval = interval};
  if (kind == LoopKind::kPlain) return RunPlainLoop(loop, window);
  RunTransactionalLoop(loop, window);
}

Figures Measure(const Options& options, ScratchPipeline& pipeline, LoopKind kind, int interval_ms,
                std::uint64_t input) {
  CommitWindow window(WindowFor(options, interval_ms), input);
  const double cpu_before = CpuSeconds();
  RunLoop(options, pipeline, kind, milliseconds(interval_ms), window);
  const double cpu = CpuSeconds() - cpu_before;
  if (pipeline.EndOfOutput() < static_cast<std::int64_t>(window.records())) {
    fmt::print(stderr, "kafka_benchmark: {} committed {} records and wrote fewer\n", Name(kind),
               window.records());
    std::exit(1);
  }
  pipeline.EmptyOutput();
  const Figures figures = {window.records_per_second(),
                           1e6 * cpu / static_cast<double>(window.records())};
  fmt::print(stderr, "  {:>4} ms {:<13} {:>9.0f} records/s {:>7.1f} us CPU{}\n", interval_ms,
             Name(kind), figures.records_per_second, figures.cpu_microseconds_per_record,
             window.ran_out() ? "  (all there were)" : "");
  return figures;
}

// Each round begins with another loop.
Round MeasureRound(const Options& options, ScratchPipeline& pipeline, int interval_ms,
                   std::uint64_t input, int number) {
  Round round{};
  for (std::size_t i = 0; i < kLoopKinds.size(); ++i) {
    const std::size_t at = (i + static_cast<std::size_t>(number)) % kLoopKinds.size();
    if (!IsWanted(options, kLoopKinds[at])) continue;
    round[at] = Measure(options, pipeline, kLoopKinds[at], interval_ms, input);
  }
  return round;
}

// Fills the topic with as much as the loops may need, by the rate of one that warms all up.
std::uint64_t FillInput(const Options& options, ScratchPipeline& pipeline,
                        std::size_t message_bytes) {
  const std::uint64_t first = kWarmUpBytes / message_bytes;
  pipeline.Fill(first, message_bytes);
  const Figures warm =
      Measure(options, pipeline, LoopKind::kPlain, options.intervals_ms.front(), first);
  const std::uint64_t all = InputFor(options, warm.records_per_second, message_bytes);
  if (all <= first) return first;
  pipeline.Fill(all - first, message_bytes);
  return all;
}

void MeasureSize(const Options& options, std::size_t message_bytes, Report& report) {
  fmt::print(stderr, "messages of {} bytes; warming up\n", message_bytes);
  ScratchPipeline pipeline(options.brokers, options.partitions);
  const std::uint64_t input = FillInput(options, pipeline, message_bytes);
  fmt::print(stderr, "{} messages\n", input);
  for (const int interval_ms : options.intervals_ms) {
    Cell cell{message_bytes, interval_ms, {}};
    for (int number = 0; number < options.rounds; ++number) {
      cell.rounds.push_back(MeasureRound(options, pipeline, interval_ms, input, number));
    }
    report.cells.push_back(std::move(cell));
  }
}

RestoreOptions RestoreOf(const Options& options, const ScratchPipeline& pipeline) {
  return {.stage = {.brokers = options.brokers,
                    .properties = options.properties,
                    .prefix = pipeline.prefix(),
                    .stage = kRestoreStage,
                    .lanes = options.lanes},
          .directory = (std::filesystem::temp_directory_path() /
                        fmt::format("winnow-bench-{}", static_cast<long>(getpid())))
                           .string(),
          .records = options.restore_entries / kEntriesPerRecord,
          .entries_per_record = kEntriesPerRecord};
}

RestoreFigures MeasureRestore(const Options& options) {
  ScratchPipeline pipeline(options.brokers, options.partitions, kRestoreStage);
  const RestoreOptions restore = RestoreOf(options, pipeline);
  pipeline.Fill(restore.records, 1'000);
  const Restored restored = RunRestore(restore);
  const double read = ReadRate(options.brokers, options.properties, pipeline.changelog(),
                               options.partitions, restored.entries);
  return {restored.entries, restore.entry_bytes,
          static_cast<double>(restored.entries) / restored.seconds, read};
}

// ---- counts only ---------------------------------------------------------------------------

bool Holds(std::string_view what, std::uint64_t expected, std::uint64_t found) {
  fmt::print("{}: {} expected, {} found\n", what, expected, found);
  std::fflush(stdout);
  return expected == found;
}

bool CheckLoop(const Options& options, LoopKind kind, std::size_t message_bytes,
               std::uint64_t records) {
  ScratchPipeline pipeline(options.brokers, options.partitions);
  pipeline.Fill(records, message_bytes);
  CommitWindow window(std::chrono::hours(1), records);
  RunLoop(options, pipeline, kind, milliseconds(100), window);
  const std::string what = fmt::format("{}, {} bytes", Name(kind), message_bytes);
  const bool told = Holds(what + ", committed", records, window.records());
  return Holds(what + ", in the output", records, pipeline.CommittedInOutput()) && told;
}

bool CheckRestore(const Options& options) {
  ScratchPipeline pipeline(options.brokers, options.partitions, kRestoreStage);
  RestoreOptions restore = RestoreOf(options, pipeline);
  restore.records = 20;
  restore.count = true;
  pipeline.Fill(restore.records, 1'000);
  return Holds("restored", restore.records * restore.entries_per_record,
               RunRestore(restore).entries);
}

int Smoke(const Options& options) {
  bool all = true;
  for (const LoopKind kind : kLoopKinds) {
    if (!IsWanted(options, kind)) continue;
    all = CheckLoop(options, kind, 1'000, 2'000) && all;
    all = CheckLoop(options, kind, 800'000, 20) && all;
  }
  if (IsWanted(options, LoopKind::kStage)) all = CheckRestore(options) && all;
  return all ? 0 : 1;
}

// ---- command line --------------------------------------------------------------------------

int MeasureAll(const Options& options) {
  Report report;
  report.machine = {std::thread::hardware_concurrency(), 0, options.partitions, options.lanes};
  getloadavg(&report.machine.load_before, 1);
  for (const std::size_t bytes : options.sizes) MeasureSize(options, bytes, report);
  if (IsWanted(options, LoopKind::kStage) && options.restore_entries > 0) {
    report.restores.push_back(MeasureRestore(options));
  }
  fmt::print("{}", ToMarkdown(report));
  if (!options.json.empty()) std::ofstream(options.json) << ToJson(report);
  return 0;
}

void Describe(CLI::App& app, Options& options) {
  app.add_flag("--short", options.brief, "one round, 100 ms, short windows: about half a minute");
  app.add_flag("--smoke", options.smoke, "no measuring: a few records, all of which must arrive");
  app.add_option("--json", options.json, "write all figures to this file");
  app.add_option("--rounds", options.rounds, "of each loop");
  app.add_option("--sizes", options.sizes, "of messages, bytes")->delimiter(',');
  app.add_option("--intervals", options.intervals_ms, "between commits, ms")->delimiter(',');
  app.add_option("--loops", options.loops, "plain, transactional, stage")->delimiter(',');
  app.add_option("--partitions", options.partitions, "of input and output");
  app.add_option("--lanes", options.lanes, "of the stage");
  app.add_option("--restore", options.restore_entries, "entries of the changelog; 0: none");
  app.add_option("--property", options.properties, "NAME VALUE, for all clients");
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("kafka::RunStage against bare librdkafka loops, on a real broker");
  Describe(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.brief) {
    options.rounds = 1;
    options.intervals_ms = {100};
    options.restore_entries = std::min<std::uint64_t>(options.restore_entries, 50'000);
  }
  options.brokers = BrokersFromEnvironment();
  if (options.brokers.empty()) return kExitWithoutBroker;
  return options.smoke ? Smoke(options) : MeasureAll(options);
}

}  // namespace
}  // namespace winnow::bench

int main(int argc, char** argv) { return winnow::bench::Main(argc, argv); }
