#include "libs/kafka/lane_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

namespace winnow::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LaneChunksTest : public testing::Test {
 protected:
  void Add(Batch& batch, PartitionTask& task, std::uint64_t sequence) {
    BatchItem& item = batch.items.emplace_back();
    item.task = &task;
    item.sequence = sequence;
    chunks_.Add(batch, item);
  }

  // Waits until all that was handed over before is judged.
  void Settle() {
    for (const PartitionTask* const task : {&one_, &two_}) {
      std::promise<void> done;
      lanes_.Submit(static_cast<std::uint64_t>(task->partition),
                    [&done](std::size_t) { done.set_value(); });
      done.get_future().wait();
    }
  }

  PartitionTask one_{1};
  PartitionTask two_{2};
  Batch batch_;
  Batch next_batch_;
  // Unlocked: one at a time. By partition.
  std::vector<std::pair<const Batch*, std::uint64_t>> judged_of_one_;
  std::vector<std::pair<const Batch*, std::uint64_t>> judged_of_two_;
  Lanes lanes_{2};
  LaneChunks chunks_{lanes_, [this](Batch& batch, BatchItem& item, std::size_t) {
                       auto& judged = item.task == &one_ ? judged_of_one_ : judged_of_two_;
                       judged.emplace_back(&batch, item.sequence);
                     }};
};

TEST_F(LaneChunksTest, KeepsTheOrderOfEachPartitionOverManyChunks) {
  for (std::uint64_t i = 0; i < 1000; ++i) Add(batch_, i % 7 < 4 ? one_ : two_, i);
  chunks_.Submit();
  Settle();
  EXPECT_EQ(judged_of_one_.size() + judged_of_two_.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(judged_of_one_.begin(), judged_of_one_.end()));
  EXPECT_TRUE(std::is_sorted(judged_of_two_.begin(), judged_of_two_.end()));
}

TEST_F(LaneChunksTest, TellsTheBatchesApart) {
  Add(batch_, one_, 1);
  Add(next_batch_, one_, 2);
  chunks_.Submit();
  Settle();
  EXPECT_THAT(judged_of_one_,
              ElementsAre(std::pair(&batch_, 1u), std::pair(&next_batch_, 2u)));
}

TEST_F(LaneChunksTest, HoldsNothingBackOnceSubmitted) {
  Add(batch_, one_, 1);
  chunks_.Submit();
  chunks_.Submit();
  Settle();
  EXPECT_THAT(judged_of_one_, ElementsAre(std::pair(&batch_, 1u)));
}

TEST_F(LaneChunksTest, ForgetsWhatIsNotSubmitted) {
  Add(batch_, one_, 1);
  chunks_.Forget();
  chunks_.Submit();
  Settle();
  EXPECT_THAT(judged_of_one_, IsEmpty());
}

}  // namespace
}  // namespace winnow::kafka
