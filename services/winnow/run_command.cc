#include "services/winnow/run_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>

#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"
#include "libs/ingest/folder_source.h"
#include "libs/local/local_runner.h"
#include "libs/service/models.h"
#include "libs/spec/spec.h"
#include "libs/state/rocksdb_store.h"
#include "services/winnow/finish.h"
#include "services/winnow/interrupt.h"
#include "services/winnow/progress.h"
#include "services/winnow/summary.h"
#include "services/winnow/wiring.h"
#include "services/winnow/workspace.h"

namespace winnow::cli {
namespace {

std::size_t LaneCount(std::size_t threads) {
  return threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
}

// Everything a run needs, checked before anything is written.
struct Prepared {
  spec::CollectionSpec spec;
  std::unique_ptr<ingest::FolderSource> source;
  std::vector<local::StagePlan> stages;
  Workspace workspace;
};

Result<Prepared> Prepare(const RunCommandOptions& options) {
  Prepared prepared;
  WINNOW_ASSIGN_OR_RETURN(prepared.spec, spec::Load(options.spec));
  WINNOW_ASSIGN_OR_RETURN(prepared.source,
                          ingest::OpenFolder(FolderOptionsFor(prepared.spec, options.input)));
  const std::string state =
      options.state.empty() ? DefaultState(options.output) : options.state;
  WINNOW_ASSIGN_OR_RETURN(
      prepared.stages,
      PlanStages(prepared.spec, service::FindModelDirectory(options.models),
                 {.memory_bytes = options.index_memory,
                  .spill_directory = dataset::JoinPath(state, "index")}));
  WINNOW_ASSIGN_OR_RETURN(prepared.workspace, ClaimWorkspace(dataset::PosixFiles(), prepared.spec,
                                                             options.output, state));
  return prepared;
}

Summary Summarize(const Prepared& prepared, const local::RunResult& run, double seconds) {
  Summary summary;
  summary.totals = run.totals;
  for (const local::StagePlan& stage : prepared.stages) summary.stages.push_back(stage.name);
  summary.processed = run.processed;
  summary.ignored_files = prepared.source->summary().ignored_files;
  summary.seconds = seconds;
  summary.stopped = run.stopped;
  return summary;
}

struct Ran {
  local::RunResult result;
  double seconds = 0;
};

Result<Ran> RunPipeline(const RunCommandOptions& options, Prepared& prepared,
                        state::StateStore& store, const std::atomic<bool>& stop) {
  WINNOW_ASSIGN_OR_RETURN(
      const auto output,
      dataset::NewShardOutput({.directory = options.output,
                               .collection = prepared.spec.collection,
                               .max_images = prepared.spec.output.shard_images,
                               .max_bytes = prepared.spec.output.shard_bytes},
                              dataset::PosixFiles()));
  Progress progress(stderr, prepared.source->Count());
  local::RunOptions run;
  run.lanes = LaneCount(options.threads);
  run.now = SystemClock().Now();
  run.stop = &stop;
  run.on_progress = [&](const local::Totals& totals) { progress.Update(totals); };
  WINNOW_ASSIGN_OR_RETURN(
      local::RunResult result,
      local::RunLocally({prepared.source.get(), prepared.stages, output.get(), &store}, run));
  return Ran{std::move(result), progress.seconds()};
}

void PrintEnd(const RunCommandOptions& options, const Prepared& prepared, const Summary& summary) {
  fmt::print("{}", SummaryTable(summary));
  if (summary.stopped) {
    fmt::print(stderr, "winnow: stopped; run the same command again to go on where it stopped\n");
    return;
  }
  fmt::print("\ndataset  {}\nreport   {}\nwhy      winnow explain IMAGE --state {}\n",
             prepared.workspace.Path("shards"), prepared.workspace.Path("report.html"),
             prepared.workspace.state);
  if (options.summary.empty()) return;
  fmt::print("summary  {}\n", options.summary);
}

Result<ExitCode> Run(const RunCommandOptions& options) {
  const std::atomic<bool>& stop = CatchInterrupts();
  WINNOW_ASSIGN_OR_RETURN(Prepared prepared, Prepare(options));
  WINNOW_ASSIGN_OR_RETURN(
      const auto store,
      state::OpenRocksDb({.directory = prepared.workspace.Database(),
                          .families = local::StateFamilies(prepared.stages)}));
  WINNOW_ASSIGN_OR_RETURN(const Ran ran, RunPipeline(options, prepared, *store, stop));
  const Summary summary = Summarize(prepared, ran.result, ran.seconds);
  if (!summary.stopped) {
    WINNOW_RETURN_IF_ERROR(FinishDataset({.spec = prepared.spec,
                                          .source = *prepared.source,
                                          .stages = prepared.stages,
                                          .store = *store,
                                          .workspace = prepared.workspace,
                                          .totals = summary.totals,
                                          .threads = LaneCount(options.threads)}));
  }
  if (!options.summary.empty()) {
    WINNOW_RETURN_IF_ERROR(dataset::WriteFileAtomically(dataset::PosixFiles(), options.summary,
                                                        SummaryJson(summary)));
  }
  PrintEnd(options, prepared, summary);
  return summary.stopped ? ExitCode::kStopped : ExitCode::kOk;
}

}  // namespace

ExitCode RunCommand(const RunCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
