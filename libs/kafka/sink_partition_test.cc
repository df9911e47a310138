#include "libs/kafka/sink_partition.h"

#include <gtest/gtest.h>

namespace winnow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Has parts to rewrite.
class FakeOutput : public stream::PartitionOutput {
 public:
  Result<std::int64_t> Open() override { return 0; }
  Result<stream::AppendResult> Append(record::ImageRecord&, std::int64_t) override {
    return stream::AppendResult::kTaken;
  }
  Status Seal(std::int64_t) override { return {}; }
  Result<bool> TakeOut() override {
    if (broken) return UnavailableError("another writer");
    if (to_rewrite == 0) return false;
    --to_rewrite;
    ++taken_out.records;
    ++taken_out.class_counts["car"];
    return true;
  }
  stream::TakenOut NewlyTakenOut() override { return std::exchange(taken_out, {}); }
  std::int64_t published_until() const override { return 0; }
  std::uint64_t open_records() const override { return 0; }
  std::uint64_t open_parts() const override { return 0; }
  std::uint64_t published_parts() const override { return published; }

  std::uint64_t published = 0;
  std::uint64_t to_rewrite = 10;
  bool broken = false;
  stream::TakenOut taken_out;
};

class SinkPartitionTest : public ::testing::Test {
 protected:
  SinkPartitionTest() { Open(); }

  void Open() {
    auto output = std::make_unique<FakeOutput>();
    output_ = output.get();
    EXPECT_TRUE(partition_.Open(std::move(output)));
    now_ = std::chrono::steady_clock::now();
  }
  // How many parts are rewritten in some turns.
  std::uint64_t RewrittenIn(int turns, milliseconds idle = milliseconds(0)) {
    const std::uint64_t before = output_->to_rewrite;
    for (int i = 0; i < turns; ++i) EXPECT_TRUE(partition_.TakeOutIfDue(idle, now_));
    return before - output_->to_rewrite;
  }

  SinkPartition partition_{0};
  FakeOutput* output_ = nullptr;
  SinkPartition::SteadyTime now_;
};

TEST_F(SinkPartitionTest, RewritesOnePartForEachItPublishesOneATurn) {
  EXPECT_EQ(RewrittenIn(3), 0u);
  output_->published = 1;
  EXPECT_EQ(RewrittenIn(1), 1u);
  EXPECT_EQ(RewrittenIn(3), 0u);
  output_->published = 4;
  EXPECT_EQ(RewrittenIn(1), 1u);
  EXPECT_EQ(RewrittenIn(5), 2u);
}

TEST_F(SinkPartitionTest, DoesNotSaveUpRewritesWhileThereIsNothingToDo) {
  output_->to_rewrite = 0;
  output_->published = 5;
  EXPECT_EQ(RewrittenIn(1), 0u);
  output_->to_rewrite = 5;
  EXPECT_EQ(RewrittenIn(3), 0u);
}

TEST_F(SinkPartitionTest, RewritesAllWhileNothingComes) {
  now_ += seconds(10);
  EXPECT_EQ(RewrittenIn(3, seconds(11)), 0u);
  EXPECT_EQ(RewrittenIn(3, seconds(5)), 3u);
  EXPECT_EQ(RewrittenIn(20, seconds(5)), 7u);
}

TEST_F(SinkPartitionTest, TellsOnceWhatWasTakenOutAlsoByAnOutputThatFailed) {
  output_->published = 2;
  EXPECT_EQ(RewrittenIn(1), 1u);
  output_->broken = true;
  EXPECT_EQ(partition_.TakeOutIfDue(milliseconds(0), now_).error().code, ErrorCode::kUnavailable);
  partition_.Drop();
  Open();
  output_->published = 1;
  EXPECT_EQ(RewrittenIn(2), 1u);
  const stream::TakenOut taken_out = partition_.NewlyTakenOut();
  EXPECT_EQ(taken_out.records, 2u);
  EXPECT_EQ(taken_out.class_counts.at("car"), 2u);
  EXPECT_EQ(partition_.NewlyTakenOut().records, 0u);
}

}  // namespace
}  // namespace winnow::kafka
