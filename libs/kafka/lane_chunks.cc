#include "libs/kafka/lane_chunks.h"

#include <utility>

namespace winnow::kafka {

void LaneChunks::Add(Batch& batch, BatchItem& item) {
  if (chunk_.batch != &batch || chunk_.task != item.task || chunk_.items.size() >= kMost) {
    Submit();
    chunk_ = {&batch, item.task, {}};
  }
  chunk_.items.push_back(&item);
}

void LaneChunks::Submit() {
  if (chunk_.items.empty()) return;
  const auto strand = static_cast<std::uint64_t>(chunk_.task->partition);
  lanes_.Submit(strand, [this, chunk = std::exchange(chunk_, {})](std::size_t lane) {
    for (BatchItem* const item : chunk.items) judge_(*chunk.batch, *item, lane);
  });
}

}  // namespace winnow::kafka
