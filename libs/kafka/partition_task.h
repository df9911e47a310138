// Internal to libs/kafka: one input partition at work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "libs/kafka/judgement.h"
#include "libs/kafka/partition_state.h"
#include "libs/state/overlay.h"
#include "libs/stream/processor.h"

namespace winnow::kafka {

// Owned by the polling thread. While it is opened it belongs to the opener's thread; afterwards the
// lanes use `work` (one record at a time where it has a processor), the committer `state`.
struct PartitionTask {
  explicit PartitionTask(int number) : partition(number) {}

  const int partition;
  bool ready = false;

  // Of stages with state; null otherwise.
  std::unique_ptr<PartitionState> state = nullptr;
  std::unique_ptr<state::Overlay> overlay = nullptr;
  std::unique_ptr<state::Overlay> origins = nullptr;
  std::unique_ptr<stream::Processor> processor = nullptr;

  std::int64_t position = 0;   // the next offset to read
  std::int64_t committed = 0;  // everything below has its outcome; at first the group's offset, and
                               // from there to `position` the log has nothing any more
  // Where the log ended when reading came there, and `position` then: what lies between holds no
  // records, only the markers of transactions.
  std::optional<std::int64_t> end = std::nullopt;
  std::int64_t end_position = 0;

  StageState work() { return {processor.get(), overlay.get(), origins.get()}; }
};

}  // namespace winnow::kafka
