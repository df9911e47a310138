// What a good programmer writes on librdkafka alone: read a topic, write the same bytes to another.
// The yardstick for kafka::RunStage, without anything of Winnow.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/bench/bare_client.h"
#include "tests/bench/commit_window.h"

namespace winnow::bench {

struct LoopOptions {
  std::string brokers;
  Properties properties;  // for every client, over the loop's own
  std::string input;
  std::string output;     // as many partitions as `input`
  std::string group;      // one that never committed
  std::chrono::milliseconds interval{100};
  std::uint64_t max_batch_bytes = 512u << 20;
};

// Both return when `window` is finished, and do not copy what they pass on.

// At least once, without ever waiting: offsets are committed when their messages were delivered,
// an interval's at a time.
void RunPlainLoop(const LoopOptions& options, CommitWindow& window);

// Exactly once: an interval is a transaction of messages and offsets.
void RunTransactionalLoop(const LoopOptions& options, CommitWindow& window);

// Reads all there is in `topic`, from outside any group; messages a second. `expected` ends it.
double ReadRate(const std::string& brokers, const Properties& properties, const std::string& topic,
                int partitions, std::uint64_t expected);

}  // namespace winnow::bench
