// kafka::RunStage at work that is nothing but its own: a processor that passes records on, and one
// that has state to restore.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/kafka/stage_runner.h"
#include "tests/bench/bare_client.h"
#include "tests/bench/commit_window.h"
#include "tests/bench/scratch_pipeline.h"

namespace winnow::bench {

inline constexpr std::string_view kCollection = "bench";

struct StageLoopOptions {
  std::string brokers;
  Properties properties;
  std::string prefix;  // of topics
  Hop hop = {};
  std::string stage;   // names the group: one that never committed
  std::chrono::milliseconds interval{100};
  std::uint64_t max_batch_bytes = 512u << 20;
  std::size_t lanes = 1;
};

// A stage that leaves payloads alone; only the interval and the bytes decide about a commit.
kafka::StageOptions StageOptionsFor(const StageLoopOptions& options);
// Ends the program on an error.
void MustRun(const kafka::StageOptions& options, const stream::ProcessorFactory& factory);

// Returns when `window` is finished and the stage has drained.
void RunPassThrough(const StageLoopOptions& options, CommitWindow& window);

struct RestoreOptions {
  StageLoopOptions stage;
  std::string directory;  // for state; made, and gone at the end
  std::uint64_t records = 0;             // in images.raw
  std::uint64_t entries_per_record = 0;  // what the stage writes to its state for each
  std::size_t entry_bytes = 200;
  bool count = false;  // takes time, which is then part of `seconds`
};

struct Restored {
  std::uint64_t entries = 0;  // found in the state by counting, else those that were written
  double seconds = 0;         // from the assignment until all partitions are restored
};

// Lets the stage fill its changelog, then starts it anew with an empty directory.
Restored RunRestore(const RestoreOptions& options);

}  // namespace winnow::bench
