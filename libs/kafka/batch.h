// Internal to libs/kafka: the records of one transaction.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "libs/kafka/client.h"
#include "libs/kafka/judgement.h"
#include "libs/kafka/partition_task.h"

namespace winnow::kafka {

struct BatchItem {
  RdMessage message;  // let go of when judged, unless it goes on as it came
  Arrival arrival;    // views into `message`
  PartitionTask* task = nullptr;
  std::uint64_t sequence = 0;
  std::uint64_t bytes = 0;
  std::optional<Judgement> judgement = std::nullopt;
};

// Offsets that the broker deleted before they were read. The batch that moves the group's offset over
// them has them as an outcome, so that they are told once, whoever dies when.
struct Gap {
  PartitionTask* task = nullptr;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Filled by the polling thread; items are judged by the lanes, each by one; read by the committer
// when nothing is awaited any more.
struct Batch {
  std::vector<Gap> gaps;        // of each partition before its items
  std::deque<BatchItem> items;  // in the order read; addresses are stable
  std::chrono::steady_clock::time_point opened{};
  std::uint64_t message_bytes = 0;
  std::atomic<std::uint64_t> state_bytes{0};
  // Items to be judged, and the end of them: one until it is closed. The lane that makes it 0 must
  // not touch the batch after that: it may be committed and gone.
  std::atomic<std::size_t> awaited{1};
  bool closed = false;  // only the polling thread's

  void Close() {
    if (!std::exchange(closed, true)) --awaited;
  }
};

}  // namespace winnow::kafka
