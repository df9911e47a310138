#include "libs/dataset/shard_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "libs/base/digest.h"
#include "libs/dataset/dataset_test_records.h"
#include "libs/dataset/tar.h"
#include "libs/testing/faulty_files.h"
#include "libs/testing/stage_driver.h"

namespace winnow::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using winnow::testing::FaultyFiles;
using winnow::testing::MapState;

class ShardOutputTest : public ::testing::Test {
 protected:
  void Start() {
    output_ = NewShardOutput(options_, disk_).value();
    const Status recovered = output_->Recover(state_);
    ASSERT_TRUE(recovered) << recovered.error().message;
  }
  Status Recover() {
    output_ = NewShardOutput(options_, disk_).value();
    return output_->Recover(state_);
  }
  record::ImageRecord Append(record::ImageRecord record) {
    const Status status = output_->Append(record);
    EXPECT_TRUE(status) << status.error().message;
    return record;
  }
  void Prepare() { state_.Apply(output_->Prepare().value()); }
  void SealAndCommit() {
    ASSERT_TRUE(output_->Seal());
    Prepare();
    const Status published = output_->Publish();
    ASSERT_TRUE(published) << published.error().message;
  }
  void TakeOutAll() {
    while (true) {
      const auto took_out = output_->TakeOut();
      ASSERT_TRUE(took_out) << took_out.error().message;
      if (!*took_out) return;
      Prepare();
      ASSERT_TRUE(output_->Publish());
    }
  }
  std::vector<Shard> Shards() { return ReadShards(state_).value(); }
  std::string File(const std::string& path) { return disk_.Contents(path).at(path); }

  FaultyFiles disk_;
  MapState state_;
  ShardOptions options_{"out", CollectionId("street"), 1000, 1u << 20};
  std::unique_ptr<stream::Output> output_;
};

TEST_F(ShardOutputTest, FillsInWhereTheRecordWent) {
  Start();
  const auto record = Append(StoredRecord(0));
  EXPECT_EQ(record.placement->split, "train");
  EXPECT_EQ(record.placement->shard, "street-train-000000.tar");
  EXPECT_EQ(record.placement->key, record.id.value());
}

TEST_F(ShardOutputTest, RecordsSizeCountAndDigestOfWhatIsOnTheDisk) {
  Start();
  for (int i = 0; i < 8; ++i) Append(StoredRecord(i));
  SealAndCommit();
  const auto shards = Shards();
  ASSERT_THAT(shards, SizeIs(2));
  EXPECT_EQ(shards[0].samples, 6u);
  EXPECT_EQ(shards[1].split, "val");
  EXPECT_EQ(shards[1].samples, 2u);
  for (const Shard& shard : shards) {
    const std::string bytes = File("out/shards/" + shard.name);
    EXPECT_EQ(bytes.size(), shard.bytes);
    EXPECT_EQ(ToHex(Sha256(bytes)), shard.sha256);
  }
}

TEST_F(ShardOutputTest, ShowsNothingBeforePublish) {
  Start();
  Append(StoredRecord(0));
  ASSERT_TRUE(output_->Seal());
  Prepare();
  EXPECT_TRUE(disk_.Contents("out/shards/").empty());
  ASSERT_TRUE(output_->Publish());
  EXPECT_THAT(disk_.Contents("out/shards/"), SizeIs(1));
  EXPECT_TRUE(disk_.Contents("out/.winnow/").empty());
}

TEST_F(ShardOutputTest, PublishesNothingThatWasNotPrepared) {
  options_.max_images = 1;
  Start();
  Append(StoredRecord(0));
  Append(StoredRecord(1));
  ASSERT_TRUE(output_->Publish());
  EXPECT_TRUE(disk_.Contents("out/shards/").empty());
}

TEST_F(ShardOutputTest, ClosesAShardAtTheImageLimit) {
  options_.max_images = 2;
  Start();
  for (int i = 0; i < 3; ++i) Append(StoredRecord(i));
  SealAndCommit();
  const auto shards = Shards();
  ASSERT_THAT(shards, SizeIs(2));
  EXPECT_EQ(shards[0].samples, 2u);
  EXPECT_EQ(shards[1].name, "street-train-000001.tar");
}

TEST_F(ShardOutputTest, NeverExceedsTheByteLimitWithMoreThanOneSample) {
  options_.max_bytes = 8192;
  Start();
  for (int i = 0; i < 20; ++i) Append(StoredRecord(i));
  auto large = StoredRecord(20);
  large.payload = record::SafePayloadForTesting::Make(std::string(20'000, 'x'));
  Append(large);
  SealAndCommit();
  std::uint64_t samples = 0;
  bool saw_large = false;
  for (const Shard& shard : Shards()) {
    samples += shard.samples;
    saw_large |= shard.bytes > 8192;
    EXPECT_TRUE(shard.bytes <= 8192 || shard.samples == 1) << shard.name;
  }
  EXPECT_EQ(samples, 21u);
  EXPECT_TRUE(saw_large);
}

TEST_F(ShardOutputTest, WritesTheSameBytesWhereverCommitsFall) {
  const auto run = [this](int per_commit) {
    disk_ = FaultyFiles();
    state_ = MapState();
    Start();
    for (int i = 0; i < 10; ++i) {
      Append(StoredRecord(i));
      if (i % per_commit == 0) Prepare();
    }
    SealAndCommit();
    return disk_.Contents("out/");
  };
  EXPECT_EQ(run(1), run(7));
}

TEST_F(ShardOutputTest, AppendsToASealedDatasetInNewShards) {
  Start();
  Append(StoredRecord(0));
  SealAndCommit();
  const auto before = disk_.Contents("out/shards/");
  Start();
  Append(StoredRecord(1));
  SealAndCommit();
  ASSERT_THAT(Shards(), SizeIs(2));
  EXPECT_EQ(Shards()[1].name, "street-train-000001.tar");
  EXPECT_EQ(File("out/shards/street-train-000000.tar"), before.begin()->second);
}

// ---- taking out ----------------------------------------------------------------------------

TEST_F(ShardOutputTest, TakesOutARecordOfAnEarlierRun) {
  Start();
  const auto first = Append(StoredRecord(0));
  Append(StoredRecord(1));
  SealAndCommit();
  Start();
  Append(StoredRecord(2));
  ASSERT_TRUE(output_->Remove(first));
  SealAndCommit();
  EXPECT_EQ(Shards()[0].samples, 2u) << "nothing is taken out before all is published";
  TakeOutAll();
  EXPECT_EQ(Shards()[0].samples, 1u);
  EXPECT_EQ(File("out/shards/street-train-000000.tar").find(first.placement->key),
            std::string::npos);
  EXPECT_TRUE(disk_.Contents("out/.winnow/").empty());
}

TEST_F(ShardOutputTest, LeavesAsIfNeverAppendedWhatWasTakenOut) {
  Start();
  const auto replaced = Append(StoredRecord(0));
  Append(StoredRecord(1));
  Append(StoredRecord(2));
  ASSERT_TRUE(output_->Remove(replaced));
  SealAndCommit();
  TakeOutAll();
  const auto files = disk_.Contents("out/shards/");
  const auto shards = Shards();
  disk_ = FaultyFiles();
  state_ = MapState();
  Start();
  Append(StoredRecord(1));
  Append(StoredRecord(2));
  SealAndCommit();
  EXPECT_EQ(disk_.Contents("out/shards/"), files);
  EXPECT_EQ(Shards(), shards);
}

TEST_F(ShardOutputTest, RemembersOverARestartWhatIsToBeTakenOut) {
  Start();
  const auto replaced = Append(StoredRecord(0));
  Append(StoredRecord(1));
  ASSERT_TRUE(output_->Remove(replaced));
  ASSERT_TRUE(output_->Remove(replaced)) << "asked twice is asked once";
  Prepare();
  Start();
  SealAndCommit();
  TakeOutAll();
  EXPECT_EQ(Shards()[0].samples, 1u);
}

TEST_F(ShardOutputTest, ForgetsARemovalThatWasNotCommitted) {
  Start();
  const auto kept = Append(StoredRecord(0));
  SealAndCommit();
  Start();
  ASSERT_TRUE(output_->Remove(kept));
  Start();
  SealAndCommit();
  TakeOutAll();
  EXPECT_EQ(Shards()[0].samples, 1u);
}

TEST_F(ShardOutputTest, RefusesToTakeOutWhatHasNoPlaceOrIsNotPublished) {
  Start();
  EXPECT_EQ(output_->Remove(StoredRecord(0)).error().code, ErrorCode::kBug);
  Start();
  const auto open = Append(StoredRecord(0));
  ASSERT_TRUE(output_->Remove(open));
  EXPECT_EQ(output_->TakeOut().error().code, ErrorCode::kBug);
}

TEST_F(ShardOutputTest, StopsWhereTheShardToRewriteWasDamaged) {
  const std::string shard = "out/shards/street-train-000000.tar";
  Start();
  const auto replaced = Append(StoredRecord(0));
  ASSERT_TRUE(output_->Remove(replaced));
  SealAndCommit();
  const std::string sound = File(shard);
  std::string bytes = sound;
  bytes[600] ^= 1;
  disk_.Put(shard, bytes);
  EXPECT_EQ(output_->TakeOut().error().code, ErrorCode::kCorruptState);
  disk_.Put(shard, sound);
  Start();
  TakeOutAll();
  EXPECT_EQ(Shards()[0].samples, 0u);
}

TEST_F(ShardOutputTest, GoesOnWithADatasetBegunBeforeThereWereRemovals) {
  Start();
  const auto replaced = Append(StoredRecord(0));
  SealAndCommit();
  state_.entries["format"] = "1";
  Start();
  ASSERT_TRUE(output_->Remove(replaced));
  SealAndCommit();
  EXPECT_EQ(state_.entries["format"], "2") << "which a Winnow that knows no removals refuses";
}

TEST_F(ShardOutputTest, RefusesAnImageThatDidNotPassRedaction) {
  Start();
  auto record = StoredRecord(0);
  record.payload = record::RawPayload{*record::ContentOf(record.payload)};
  const Status status = output_->Append(record);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kBug);
}

TEST_F(ShardOutputTest, RefusesARecordWithoutASplitOrWithOneThatIsAPath) {
  for (const std::string split : {"", "../x", "a/b", "a.b"}) {
    Start();
    auto record = StoredRecord(0);
    record.placement->split = split;
    const Status status = output_->Append(record);
    ASSERT_FALSE(status) << split;
    EXPECT_EQ(status.error().code, ErrorCode::kBug);
  }
}

TEST_F(ShardOutputTest, RefusesToBeUsedBeforeRecover) {
  output_ = NewShardOutput(options_, disk_).value();
  auto record = StoredRecord(0);
  EXPECT_EQ(output_->Append(record).error().code, ErrorCode::kBug);
}

TEST_F(ShardOutputTest, RefusesACollectionNameThatIsAPath) {
  for (const std::string name : {"", "../up", "a b", "a.b"}) {
    options_.collection = CollectionId(name);
    const auto output = NewShardOutput(options_, disk_);
    ASSERT_FALSE(output) << name;
    EXPECT_EQ(output.error().code, ErrorCode::kConfig);
  }
}

// ---- what recovery finds -------------------------------------------------------------------

TEST_F(ShardOutputTest, StopsWhereACommittedStagingFileIsGoneOrTooShort) {
  const std::string staged = "out/.winnow/staging/street-train-000000.tar";
  Start();
  Append(StoredRecord(0));
  Prepare();
  const std::string bytes = File(staged);
  disk_.Put(staged, bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
  disk_.Erase(staged);
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
  disk_.Put(staged, bytes + "half a sample");
  EXPECT_TRUE(Recover());
  EXPECT_EQ(File(staged), bytes);
}

TEST_F(ShardOutputTest, StopsWhereAPublishedShardIsGoneOrHasAnotherSize) {
  const std::string shard = "out/shards/street-train-000000.tar";
  Start();
  Append(StoredRecord(0));
  SealAndCommit();
  const std::string bytes = File(shard);
  disk_.Put(shard, bytes + "x");
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
  disk_.Erase(shard);
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
  disk_.Put(shard, bytes);
  EXPECT_TRUE(Recover());
}

TEST_F(ShardOutputTest, NeverPublishesAStagedShardThatWasDamaged) {
  const std::string staged = "out/.winnow/staging/street-train-000000.tar";
  Start();
  Append(StoredRecord(0));
  ASSERT_TRUE(output_->Seal());
  Prepare();
  std::string bytes = File(staged);
  bytes[600] ^= 1;
  disk_.Put(staged, bytes);
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
  EXPECT_TRUE(disk_.Contents("out/shards/").empty());
}

TEST_F(ShardOutputTest, TakesAnIdenticalPublishedFileAsDone) {
  const std::string name = "street-train-000000.tar";
  Start();
  Append(StoredRecord(0));
  ASSERT_TRUE(output_->Seal());
  Prepare();
  disk_.Put("out/shards/" + name, File("out/.winnow/staging/" + name));
  ASSERT_TRUE(Recover());
  EXPECT_TRUE(disk_.Contents("out/.winnow/").empty());
  EXPECT_THAT(disk_.Contents("out/shards/"), SizeIs(1));
}

TEST_F(ShardOutputTest, NeverOverwritesADifferentFileUnderAShardName) {
  Start();
  Append(StoredRecord(0));
  ASSERT_TRUE(output_->Seal());
  Prepare();
  disk_.Put("out/shards/street-train-000000.tar", "somebody else's");
  const Status published = output_->Publish();
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::kCorruptState);
  EXPECT_THAT(published.error().message, HasSubstr("out/shards/street-train-000000.tar"));
  EXPECT_EQ(File("out/shards/street-train-000000.tar"), "somebody else's");
}

TEST_F(ShardOutputTest, NoticesAShardNameInUseBeforeWorkGoesIntoIt) {
  disk_.Put("out/shards/street-train-000000.tar", "from another run");
  Start();
  auto record = StoredRecord(0);
  const Status status = output_->Append(record);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorruptState);
}

TEST_F(ShardOutputTest, RefusesStateOfAnotherFormatVersion) {
  state_.entries["format"] = "3";
  EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState);
}

TEST_F(ShardOutputTest, RefusesStateThatCannotBeRead) {
  for (const std::string value : {"", "{", "[]", "{\"number\": \"x\"}"}) {
    state_.entries["open/train"] = value;
    EXPECT_EQ(Recover().error().code, ErrorCode::kCorruptState) << value;
  }
}

// ---- on a real disk ------------------------------------------------------------------------

TEST_F(ShardOutputTest, WritesShardsThatATarReaderTakesApart) {
  const std::string directory =
      ::testing::TempDir() + "winnow_shard_output_" + std::to_string(::getpid());
  options_.directory = directory;
  output_ = NewShardOutput(options_, PosixFiles()).value();
  ASSERT_TRUE(output_->Recover(state_));
  for (int i = 0; i < 3; ++i) Append(StoredRecord(i));
  SealAndCommit();
  std::vector<std::string> names;
  const Status read = ReadTar(
      directory + "/shards/street-train-000000.tar", 1u << 20,
      [&](const std::string& name, const std::string&) -> Status {
        names.push_back(name.substr(24));
        return {};
      });
  EXPECT_TRUE(read);
  EXPECT_THAT(names, ElementsAre("00000001.jpg", "00000001.json", "00000002.jpg", "00000002.json",
                                 "00000003.jpg", "00000003.json"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace winnow::dataset
