#include "libs/dataset/stream_shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "libs/dataset/id_map.h"
#include "libs/dataset/manifest.h"
#include "libs/dataset/partition_shards_test.h"
#include "libs/dataset/stream_test_log.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using stream::AppendResult;
using winnow::testing::FaultyFiles;

TEST_F(PartitionShardsTest, NamesAShardBySplitPartitionAndBeginOfItsRange) {
  EXPECT_EQ(Start(), 0);
  EXPECT_EQ(Append(0, 100), AppendResult::kTaken);
  EXPECT_EQ(record_.placement->shard, "street-train-p003-000000000000.tar");
  EXPECT_EQ(record_.placement->key, record_.id.value());
  ASSERT_TRUE(output_->Seal(150));
  EXPECT_EQ(Append(1, 160), AppendResult::kTaken);
  EXPECT_EQ(record_.placement->shard, "street-train-p003-000000000150.tar");
}

TEST_F(PartitionShardsTest, PublishesByCountBeforeTheSampleThatIsTooMany) {
  Start();
  for (int i = 0; i < 4; ++i) Append(i, 10 + i);
  EXPECT_THAT(Parts(), IsEmpty());
  EXPECT_EQ(output_->published_until(), 10);
  EXPECT_EQ(output_->open_parts(), 1u);
  EXPECT_EQ(output_->published_parts(), 0u);
  Append(4, 20);
  EXPECT_EQ(output_->open_parts(), 1u);
  EXPECT_EQ(output_->published_parts(), 1u);
  ASSERT_THAT(Parts(), SizeIs(1));
  EXPECT_EQ(Parts()[0].begin, 0);
  EXPECT_EQ(Parts()[0].end, 20);
  EXPECT_EQ(Parts()[0].shard.samples, 4u);
  EXPECT_EQ(output_->published_until(), 20);
  EXPECT_EQ(output_->open_records(), 1u);
}

TEST_F(PartitionShardsTest, PublishesByBytes) {
  options_.max_images = 1000;
  options_.max_bytes = 10'000;
  Start();
  for (int i = 0; i < 12; ++i) Append(i, i);
  ASSERT_TRUE(output_->Seal(12));
  EXPECT_GT(Parts().size(), 2u);
  for (const Part& part : Parts()) EXPECT_LE(part.shard.bytes, 10'000u);
}

TEST_F(PartitionShardsTest, PublishesARareSplitWhenTheLogHasGoneOn) {
  options_.max_images = 1000;
  options_.max_span = 50;
  Start();
  Append(0, 5, "val");
  Append(1, 20);
  Append(2, 54);
  EXPECT_THAT(Parts(), IsEmpty());
  Append(3, 55);
  ASSERT_THAT(Parts(), SizeIs(1));
  EXPECT_EQ(Parts()[0].shard.split, "val");
  EXPECT_EQ(Parts()[0].end, 55);
  EXPECT_EQ(output_->published_until(), 20);
}

// The train part at 20 is published while val has an image at 3 that is not.
TEST_F(PartitionShardsTest, ResumesBeforeWhatNoSplitHasPublished) {
  Start();
  Append(100, 3, "val");
  for (int i = 0; i < 5; ++i) Append(i, 10 + 2 * i);
  ASSERT_THAT(Parts(), SizeIs(1));
  EXPECT_EQ(output_->published_until(), 3);

  EXPECT_EQ(Start(), 3);
  EXPECT_EQ(Append(100, 3, "val"), AppendResult::kTaken);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Append(i, 10 + 2 * i), AppendResult::kPublished);
  EXPECT_EQ(Append(4, 18), AppendResult::kTaken);
  ASSERT_TRUE(output_->Seal(19));
  EXPECT_EQ(Start(), 19);
  EXPECT_THAT(CheckRanges(Parts()), IsEmpty());
  EXPECT_THAT(CheckIds(Parts()), IsEmpty());
}

TEST_F(PartitionShardsTest, MovesPastOffsetsThatHeldNothingForASplit) {
  Start();
  Append(100, 3, "val");
  ASSERT_TRUE(output_->Seal(10));
  for (int i = 0; i < 5; ++i) Append(i, 1000 + i);
  EXPECT_EQ(output_->published_until(), 1004);
  EXPECT_EQ(Start(), 1004);
}

TEST_F(PartitionShardsTest, SealingWithoutAnythingOpenIsRememberedToo) {
  Start();
  ASSERT_TRUE(output_->Seal(500));
  EXPECT_EQ(output_->published_until(), 500);
  EXPECT_EQ(Start(), 500);
  EXPECT_THAT(Parts(), IsEmpty());
  Append(0, 600);
  EXPECT_EQ(record_.placement->shard, "street-train-p003-000000000000.tar");
}

// What the sink's README tells operators to write after a loss.
TEST_F(PartitionShardsTest, GoesOnFromAMarkWrittenByHand) {
  const std::string path = "out/.winnow/parts/street-p003.mark";
  disk_.Put(path, R"({"format_version": 1, "topic": "images.selected", "partition": 3,
                      "complete_until": 77})");
  EXPECT_EQ(Start(), 77);
  disk_.Put(path, R"({"format_version": 1, "topic": "other", "partition": 3, "complete_until": 7})");
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
}

TEST_F(PartitionShardsTest, StoresAnIdOnceWhereverItComesFrom) {
  Start();
  EXPECT_EQ(Append(0, 0), AppendResult::kTaken);
  EXPECT_EQ(Append(0, 1), AppendResult::kRepeated);
  ASSERT_TRUE(output_->Seal(2));
  EXPECT_EQ(Append(0, 7), AppendResult::kRepeated);
  EXPECT_EQ(Start(), 2);
  EXPECT_EQ(Append(0, 7), AppendResult::kRepeated);
  EXPECT_EQ(output_->published_until(), 8);
}

TEST_F(PartitionShardsTest, ManifestSaysWhatTheShardHolds) {
  options_.splits = {{"train", 0.75}, {"val", 0.25}};
  Start();
  for (int i = 0; i < 3; ++i) {
    record_ = StoredRecord(i);
    record_.placement->split = "train";
    record_.annotations.resize(2);
    record_.annotations[0].label = "car";
    record_.annotations[1].label = i == 0 ? "car" : "bus";
    ASSERT_TRUE(output_->Append(record_, i));
  }
  ASSERT_TRUE(output_->Seal(9));
  ASSERT_THAT(Parts(), SizeIs(1));
  const Part part = Parts()[0];
  EXPECT_EQ(part.topic, "images.selected");
  EXPECT_EQ(part.partition, 3);
  EXPECT_EQ(part.complete_until, 9);
  EXPECT_THAT(part.ids, ElementsAre(StoredRecord(0).id.value(), StoredRecord(1).id.value(),
                                    StoredRecord(2).id.value()));
  EXPECT_EQ(part.class_counts, (std::map<std::string, std::uint64_t>{{"car", 3}, {"bus", 2}}));
  EXPECT_EQ(part.splits, options_.splits);
  const std::string bytes = disk_.Contents("out/shards/").at("out/shards/" + part.shard.name);
  EXPECT_EQ(ToHex(Sha256(bytes)), part.shard.sha256);
}

TEST_F(PartitionShardsTest, TwoPartitionsWriteOneDirectory) {
  Start();
  Append(0, 0);
  PartitionShardOptions other = SmallParts("other");
  other.partition = 30;
  const auto beside = NewPartitionShards(other, disk_).value();
  ASSERT_EQ(beside->Open().value(), 0);
  record::ImageRecord record = StoredRecord(1);
  ASSERT_TRUE(beside->Append(record, 0));
  ASSERT_TRUE(output_->Seal(5));
  ASSERT_TRUE(beside->Seal(7));
  EXPECT_EQ(Start(), 5);
  EXPECT_THAT(Parts(), SizeIs(2));
  EXPECT_THAT(CheckRanges(Parts()), IsEmpty());
}

TEST_F(PartitionShardsTest, RefusesRecordsNoShardMayHold) {
  const auto refused = [this](const record::ImageRecord& bad, std::int64_t offset) {
    Start();
    Append(9, 5);
    record::ImageRecord record = bad;
    const auto result = output_->Append(record, offset);
    return !result && result.error().code == ErrorCode::kBug && !output_->Seal(100);
  };
  record::ImageRecord raw = StoredRecord(0);
  raw.payload = record::RawPayload{*ContentOf(raw.payload)};
  EXPECT_TRUE(refused(raw, 6));
  record::ImageRecord reference = StoredRecord(0);
  record::ReplaceByReference(reference.payload);
  EXPECT_TRUE(refused(reference, 6));
  record::ImageRecord elsewhere = StoredRecord(0);
  elsewhere.placement->split = "../up";
  EXPECT_TRUE(refused(elsewhere, 6));
  EXPECT_TRUE(refused(StoredRecord(0), 5));
}

TEST_F(PartitionShardsTest, RefusesOtherSharesAnotherTopicAndGaps) {
  options_.splits = {{"train", 1.0}};
  Start();
  for (int i = 0; i < 9; ++i) Append(i, i);
  ASSERT_TRUE(output_->Seal(9));
  options_.splits = {{"train", 0.5}, {"val", 0.5}};
  EXPECT_EQ(OpenError(), ErrorCode::kConfig);
  options_.splits = {};
  options_.topic = "other.selected";
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
  options_.topic = "images.selected";
  const std::string middle = "street-train-p003-000000000004.tar";
  disk_.Erase("out/shards/" + middle);
  EXPECT_EQ(Start(), 9);
  disk_.Erase("out/.winnow/parts/" + middle + ".json");
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
  EXPECT_THAT(CheckRanges(Parts()), ElementsAre(HasSubstr("a gap")));
}

TEST_F(PartitionShardsTest, RefusesAShardThatNoManifestExplains) {
  disk_.Put("out/shards/street-train-p003-000000000000.tar", "x");
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
}

TEST_F(PartitionShardsTest, RefusesManifestsThatCannotBeRead) {
  const std::string path = "out/.winnow/parts/street-train-p003-000000000000.tar.json";
  Start();
  Append(0, 0);
  ASSERT_TRUE(output_->Seal(1));
  const std::string good = disk_.Contents(path).at(path);
  std::string other = good;
  other.replace(other.find("\"begin\": 0"), 10, "\"begin\": 5");
  for (const std::string& text : {std::string(), std::string("{"), good.substr(0, 80), other}) {
    disk_.Put(path, text);
    EXPECT_EQ(OpenError(), ErrorCode::kCorruptState) << text;
  }
  disk_.Put(path, "{\"format_version\": 3}");
  EXPECT_EQ(OpenError(), ErrorCode::kConfig);
  EXPECT_EQ(ReadParts("out", disk_).error().code, ErrorCode::kConfig);
}

TEST_F(PartitionShardsTest, RefusesOptionsItCannotWorkWith) {
  const auto code = [this](const PartitionShardOptions& options) {
    return NewPartitionShards(options, disk_).error().code;
  };
  PartitionShardOptions wrong = options_;
  wrong.directory = "";
  EXPECT_EQ(code(wrong), ErrorCode::kConfig);
  wrong = options_;
  wrong.collection = CollectionId("a/b");
  EXPECT_EQ(code(wrong), ErrorCode::kConfig);
  wrong = options_;
  wrong.max_images = 0;
  EXPECT_EQ(code(wrong), ErrorCode::kConfig);
}

class PartVerifyTest : public ::testing::Test {
 protected:
  PartVerifyTest() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-parts-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    for (const int partition : {0, 1}) {
      PartitionShardOptions options = SmallParts("");
      options.directory = directory_;
      options.partition = partition;
      const auto output = NewPartitionShards(options, PosixFiles()).value();
      EXPECT_EQ(output->Open().value(), 0);
      for (int i = 0; i < 10; ++i) {
        record::ImageRecord record = StoredRecord(100 * partition + i);
        EXPECT_TRUE(output->Append(record, i));
      }
      EXPECT_TRUE(output->Seal(10));
    }
  }
  ~PartVerifyTest() override { std::filesystem::remove_all(directory_); }

  std::vector<std::string> Problems() const { return VerifyDataset(directory_).value(); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

TEST_F(PartVerifyTest, ADatasetOfPartsIsVerifiedByItsParts) {
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_EQ(ReadParts(directory_, PosixFiles())->size(), 6u);
}

TEST_F(PartVerifyTest, EachKindOfDamageIsOneLine) {
  const std::string shard = "shards/street-train-p000-000000000000.tar";
  std::filesystem::rename(Path(shard), Path("kept"));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("missing")));
  std::filesystem::copy(Path("shards/street-train-p001-000000000000.tar"), Path(shard));
  EXPECT_FALSE(Problems().empty());
  std::filesystem::remove(Path(shard));
  std::filesystem::rename(Path("kept"), Path(shard));
  std::filesystem::copy(Path(shard), Path("shards/stranger.tar"));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("stranger.tar")));
  std::filesystem::remove(Path("shards/stranger.tar"));
  std::filesystem::remove(Path(".winnow/parts/street-train-p000-000000000000.tar.json"));
  EXPECT_THAT(Problems(), ::testing::IsSupersetOf({HasSubstr("a gap"), HasSubstr("000000000000")}));
}

TEST_F(PartVerifyTest, WhatABetterCopyReplacedIsNamedUntilItIsTakenOut) {
  PartitionShardOptions options = SmallParts("");
  options.directory = directory_;
  options.partition = 0;
  const auto output = NewPartitionShards(options, PosixFiles()).value();
  ASSERT_EQ(output->Open().value(), 10);
  record::ImageRecord better = StoredRecord(10);
  better.duplicate = record::Duplicate{};
  better.duplicate->replaces = {StoredRecord(1).id};
  ASSERT_TRUE(output->Append(better, 10));
  ASSERT_TRUE(output->Seal(11));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr(StoredRecord(1).id.value())));
  EXPECT_TRUE(output->TakeOut().value());
  EXPECT_THAT(Problems(), IsEmpty());
  const std::string generation = ".winnow/parts/street-train-p000-000000000000.tar.r1.json";
  std::filesystem::remove(Path(generation));
  EXPECT_FALSE(Problems().empty()) << "the shard is not what the first manifest says";
}

TEST(IdMapTest, FindsWhatWasPutInAndNothingElseWhileItGrows) {
  IdMap ids;
  EXPECT_FALSE(ids.Contains(RecordId("0")));
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    EXPECT_TRUE(ids.Insert(RecordId(std::to_string(i)), i));
    EXPECT_FALSE(ids.Insert(RecordId(std::to_string(i / 2)), 77));
  }
  EXPECT_EQ(ids.size(), 5'000u);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto found = ids.Find(RecordId(std::to_string(i)));
    EXPECT_EQ(found, i < 5'000 ? std::optional(i) : std::nullopt);
  }
}

TEST(IdMapTest, ForgetsTheValueBefore) {
  IdMap ids;
  ids.Insert(RecordId("it"), 3);
  ids.Assign(RecordId("it"), IdMap::kMaxValue);
  EXPECT_EQ(ids.Find(RecordId("it")), IdMap::kMaxValue);
  EXPECT_EQ(ids.size(), 1u);
}

}  // namespace
}  // namespace winnow::dataset
