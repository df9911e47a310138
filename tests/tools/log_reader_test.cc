// LogReader on a real broker: what it sees of transactions and of the ends of a log.
#include <memory>
#include <string>
#include <vector>

#include "tests/tools/deployment.h"
#include "tests/tools/transactional_writer.h"

namespace winnow::tools {
namespace {

using kafka::Topic;

class LogReaderTest : public DeploymentTest {
 protected:
  void SetUp() override {
    DeploymentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    MakeTopics();
    auto reader = kafka::NewLogReader(client_);
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
    writer_ = std::make_unique<TransactionalWriter>(client_, prefix_ + "writer",
                                                    Name(Topic::kSafe));
  }

  std::vector<std::int64_t> Offsets(std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> offsets;
    const Status read = reader_->ReadRange(Name(Topic::kSafe), 0, begin, end,
                                           [&](const kafka::LogEntry& entry) {
                                             offsets.push_back(entry.offset);
                                             return true;
                                           });
    EXPECT_TRUE(read) << read.error().message;
    return offsets;
  }

  kafka::PartitionRange Range() {
    const auto ranges = reader_->RangesOf(Name(Topic::kSafe));
    EXPECT_TRUE(ranges) << ranges.error().message;
    return ranges->at(0);
  }

  std::unique_ptr<kafka::LogReader> reader_;
  std::unique_ptr<TransactionalWriter> writer_;
};

TEST_F(LogReaderTest, EndsWhereAnOpenTransactionBegins) {
  writer_->Begin(2);
  writer_->Commit();  // offsets 0, 1, marker 2
  writer_->Begin(1);  // offset 3
  const kafka::PartitionRange open = Range();
  EXPECT_EQ(open.begin, 0);
  EXPECT_EQ(open.end, 3);
  EXPECT_EQ(open.high_watermark, 4);
  EXPECT_EQ(Offsets(0, 100), (std::vector<std::int64_t>{0, 1}));
  writer_->Commit();
  EXPECT_EQ(Offsets(0, 100), (std::vector<std::int64_t>{0, 1, 3}));
}

TEST_F(LogReaderTest, PassesOverWhatWasAborted) {
  writer_->Begin(2);
  writer_->Abort();
  writer_->Begin(1);  // offset 3
  writer_->Commit();
  EXPECT_EQ(Offsets(0, 100), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(Offsets(4, 5), std::vector<std::int64_t>());
}

TEST_F(LogReaderTest, FindsSingleOffsets) {
  for (int i = 0; i < 200; ++i) Produce(Topic::kReview, "k", std::to_string(i));
  std::vector<std::string> values;
  const Status read = reader_->ReadOffsets(Name(Topic::kReview), 0, {3, 5, 150, 900},
                                           [&](const kafka::LogEntry& entry) {
                                             values.emplace_back(*entry.value);
                                             return true;
                                           });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(values, (std::vector<std::string>{"3", "5", "150"}));
}

TEST_F(LogReaderTest, StopsWhenToldTo) {
  for (int i = 0; i < 3; ++i) Produce(Topic::kReview, "k", "v");
  int seen = 0;
  const Status read = kafka::ReadTopic(client_, Name(Topic::kReview), [&](const kafka::LogEntry&) {
    return ++seen < 2;
  });
  ASSERT_TRUE(read);
  EXPECT_EQ(seen, 2);
}

TEST_F(LogReaderTest, KnowsWhatAGroupCommitted) {
  Produce(Topic::kRaw, "k", "v");
  const std::string group = kafka::GroupName("validator", prefix_);
  EXPECT_TRUE(reader_->CommittedOffsets(group, Name(Topic::kRaw))->empty());
  CommitAll();
  const auto committed = reader_->CommittedOffsets(group, Name(Topic::kRaw));
  ASSERT_TRUE(committed) << committed.error().message;
  EXPECT_EQ(*committed, (std::map<int, std::int64_t>{{0, 1}}));
  EXPECT_TRUE(reader_->MembersOf(group)->empty());
}

TEST_F(LogReaderTest, SaysWhichTopicIsMissing) {
  const auto ranges = reader_->RangesOf(prefix_ + "nothing");
  ASSERT_FALSE(ranges);
  EXPECT_EQ(ranges.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::tools
