// LocalRunner: all stages of a pipeline in one process, lanes on all cores, no broker.
//
// Promises:
//   - Same input, same spec: the same state and the same output bytes, whatever the lane count.
//   - Killed at any point and run again: as if it had not been killed. State, source position,
//     verdicts and the description of the output become durable in one batch per commit; the
//     output follows by redo (libs/stream/output.h).
//   - Bytes in flight are bounded by `max_bytes_in_flight`, decoded pixels by the lane count.
//   - At every commit, received = stored + deferred + rejected + review.
//   - A record whose place a better copy takes (record::Duplicate::replaces) is rejected from the
//     commit on that stores the copy, and out of the output when the run has ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/local/totals.h"
#include "libs/state/state_store.h"
#include "libs/stream/output.h"
#include "libs/stream/processor.h"
#include "libs/stream/source.h"

namespace winnow::local {

struct StagePlan {
  std::string name;  // equals Processor::name()
  stream::ProcessorFactory factory;
};

// Everything must outlive the run. Stages that need no collection order come first; each of them
// is made once per lane.
struct Pipeline {
  stream::Source* source = nullptr;
  std::vector<StagePlan> stages;
  stream::Output* output = nullptr;
  state::StateStore* store = nullptr;
};

// The families a store must have for these stages.
std::vector<std::string> StateFamilies(const std::vector<StagePlan>& stages);

// Points of a commit at which a crash is worth trying.
enum class CommitPoint { kBeforePrepare, kBeforeCommit, kBeforePublish, kAfterPublish };

struct RunOptions {
  std::size_t lanes = 1;
  std::uint64_t max_bytes_in_flight = 256u << 20;  // coded image bytes
  // A commit is due after so many records, or so many bytes of images read and state written.
  std::uint64_t commit_records = 256;
  std::uint64_t commit_bytes = 16u << 20;
  // The time every record of this state is judged at: kept from the first run, so that a resumed
  // run decides alike.
  Timestamp now{};
  // Set from another thread or a signal handler: finishes what is in flight, commits, returns.
  const std::atomic<bool>* stop = nullptr;
  // On the calling thread, after each record.
  std::function<void(const Totals&)> on_progress = nullptr;
  // For tests.
  std::function<void(CommitPoint)> at_commit_point = nullptr;
};

struct RunResult {
  Totals totals;              // over all runs on this state
  std::uint64_t processed = 0;  // records decided by this run
  std::uint64_t already_done = 0;  // source entries decided by earlier runs
  std::uint64_t commits = 0;
  std::uint64_t peak_bytes_in_flight = 0;
  bool stopped = false;       // by `stop`, before the output was whole
};

// Runs the pipeline until the source ends or `stop` is set. On an Error everything up to the last
// commit is safe and the same call resumes there.
Result<RunResult> RunLocally(const Pipeline& pipeline, const RunOptions& options);

}  // namespace winnow::local
