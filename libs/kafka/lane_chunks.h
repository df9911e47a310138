// Internal to libs/kafka: records on their way to a lane, some at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "libs/kafka/batch.h"
#include "libs/kafka/lanes.h"

namespace winnow::kafka {

// Of stages with state, whose partitions are each one lane's anyway: one by one, a small record
// costs more to hand over than to judge. For the polling thread.
class LaneChunks {
 public:
  using Judge = std::function<void(Batch& batch, BatchItem& item, std::size_t lane)>;

  LaneChunks(Lanes& lanes, Judge judge) : lanes_(lanes), judge_(std::move(judge)) {}

  // Items of a partition are judged in this order, one at a time. `batch` and `item` must live
  // until then, or until Forget and Lanes::Clear.
  void Add(Batch& batch, BatchItem& item);
  // What was added is left waiting until here.
  void Submit();
  void Forget() { chunk_ = {}; }

 private:
  // Items of one partition and batch.
  struct Chunk {
    Batch* batch = nullptr;
    PartitionTask* task = nullptr;
    std::vector<BatchItem*> items{};
  };
  static constexpr std::size_t kMost = 32;

  Lanes& lanes_;
  const Judge judge_;
  Chunk chunk_;
};

}  // namespace winnow::kafka
