// What a sink makes of records that take the place of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "libs/base/digest.h"
#include "libs/dataset/partition_shards_test.h"

namespace winnow::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using stream::AppendResult;

class BetterCopiesTest : public PartitionShardsTest {
 protected:
  // One that takes the place of others.
  AppendResult AppendBetter(int index, std::int64_t offset, const std::vector<int>& replaced) {
    record_ = Labelled(index);
    record_.duplicate = record::Duplicate{};
    for (const int other : replaced) record_.duplicate->replaces.push_back(StoredRecord(other).id);
    const auto result = output_->Append(record_, offset);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(AppendResult::kPublished);
  }
  AppendResult AppendLabelled(int index, std::int64_t offset) {
    return AppendBetter(index, offset, {});
  }
  // "odd" or "even" as a box, "all" as a tag.
  static record::ImageRecord Labelled(int index) {
    record::ImageRecord record = StoredRecord(index);
    record.placement->split = "train";
    record::Annotation boxed;
    boxed.label = index % 2 == 1 ? "odd" : "even";
    boxed.box = record::Box{1, 2, 3, 4};
    record::Annotation tag;
    tag.label = "all";
    record.annotations = {boxed, boxed, tag};
    return record;
  }
  // 0 and 1 in one part, 5, which takes the place of 1, in the next.
  void ReplaceInAPublishedPart() {
    Start();
    AppendLabelled(0, 0);
    AppendLabelled(1, 1);
    ASSERT_TRUE(output_->Seal(2));
    AppendBetter(5, 2, {1});
    ASSERT_TRUE(output_->Seal(3));
  }
  static std::string IdOf(int index) { return StoredRecord(index).id.value(); }
  bool TakeOut() {
    const auto took_out = output_->TakeOut();
    EXPECT_TRUE(took_out) << took_out.error().message;
    return took_out.value_or(false);
  }
};

TEST_F(BetterCopiesTest, NeverPublishesWhatWasReplacedWithinItsPart) {
  Start();
  for (int i = 0; i < 3; ++i) AppendLabelled(i, i);
  AppendBetter(4, 3, {1});
  AppendBetter(5, 4, {4});  // publishes what came before
  ASSERT_THAT(Parts(), SizeIs(1));
  EXPECT_THAT(Parts()[0].ids, ElementsAre(IdOf(0), IdOf(2), IdOf(4)));
  EXPECT_THAT(Parts()[0].replaces, ElementsAre(IdOf(1)));
  EXPECT_THAT(Parts()[0].superseded, ElementsAre(IdOf(1)));
  EXPECT_EQ(Parts()[0].shard.samples, 3u);
  EXPECT_EQ(Parts()[0].class_counts,
            (std::map<std::string, std::uint64_t>{{"even", 3}, {"all", 3}}));
  EXPECT_EQ(output_->NewlyTakenOut().records, 1u);
  EXPECT_FALSE(TakeOut()) << "nothing that is published was replaced";
  EXPECT_THAT(FindReplaced(Parts()), IsEmpty());
}

TEST_F(BetterCopiesTest, TakesOutOfAnEarlierPartOnceTheBetterCopyIsPublished) {
  Start();
  for (int i = 0; i < 4; ++i) AppendLabelled(i, i);
  ASSERT_TRUE(output_->Seal(4));
  AppendBetter(5, 4, {1, 3});
  EXPECT_FALSE(TakeOut()) << "a crash now would lose both";
  ASSERT_TRUE(output_->Seal(5));
  EXPECT_EQ(FindReplaced(Parts()).at(Parts()[0].shard.name),
            (std::vector<std::string>{IdOf(1), IdOf(3)}));
  EXPECT_EQ(Parts()[0].class_counts.at("odd"), 2u);
  EXPECT_TRUE(TakeOut());
  EXPECT_FALSE(TakeOut());
  const Part part = Parts()[0];
  EXPECT_EQ(part.generation, 1);
  EXPECT_THAT(part.ids, ElementsAre(IdOf(0), IdOf(2)));
  EXPECT_EQ(part.class_counts, (std::map<std::string, std::uint64_t>{{"even", 2}, {"all", 2}}));
  EXPECT_EQ(part.begin, 0);
  EXPECT_EQ(part.end, 4);
  const std::string shard = disk_.Contents("out/shards/").at("out/shards/" + part.shard.name);
  EXPECT_EQ(ToHex(Sha256(shard)), part.shard.sha256);
  EXPECT_TRUE(disk_.Contents("out/.winnow/staging/").empty());
  const stream::TakenOut taken_out = output_->NewlyTakenOut();
  EXPECT_EQ(taken_out.records, 2u);
  EXPECT_EQ(taken_out.class_counts, (std::map<std::string, std::uint64_t>{{"odd", 2}, {"all", 2}}));
  EXPECT_EQ(output_->NewlyTakenOut().records, 0u);
}

TEST_F(BetterCopiesTest, TakesOutFirstWhereItHasWaitedLongest) {
  options_.max_images = 2;
  Start();
  for (int i = 0; i < 4; ++i) AppendLabelled(i, i);
  AppendBetter(4, 4, {3});
  AppendBetter(5, 5, {1});
  AppendBetter(6, 6, {2});
  ASSERT_TRUE(output_->Seal(7));
  const auto generations = [this] {
    std::vector<int> all;
    for (const Part& part : Parts()) all.push_back(part.generation);
    return all;
  };
  EXPECT_TRUE(TakeOut());
  EXPECT_THAT(generations(), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(Parts()[1].ids, IsEmpty()) << "both at once";
  EXPECT_TRUE(TakeOut());
  EXPECT_THAT(generations(), ElementsAre(1, 1, 0, 0));
  EXPECT_FALSE(TakeOut());
}

TEST_F(BetterCopiesTest, StoresNothingThatWasReplacedBeforeItCame) {
  Start();
  AppendBetter(5, 0, {1});
  ASSERT_TRUE(output_->Seal(1));
  EXPECT_EQ(AppendLabelled(1, 1), AppendResult::kRepeated);
  Start();
  EXPECT_EQ(AppendLabelled(1, 1), AppendResult::kRepeated);
}

TEST_F(BetterCopiesTest, RemembersWhatWasTakenOutAsStored) {
  ReplaceInAPublishedPart();
  EXPECT_TRUE(TakeOut());
  EXPECT_EQ(AppendLabelled(1, 3), AppendResult::kRepeated);
  EXPECT_EQ(Start(), 3);
  EXPECT_FALSE(TakeOut());
  EXPECT_EQ(AppendLabelled(1, 3), AppendResult::kRepeated);
  AppendBetter(6, 4, {1});
  ASSERT_TRUE(output_->Seal(5));
  EXPECT_FALSE(TakeOut()) << "what is gone is not taken out again";
}

TEST_F(BetterCopiesTest, TakesOutAfterARestartWhatItHadNotBefore) {
  ReplaceInAPublishedPart();
  Start();
  EXPECT_TRUE(TakeOut());
  EXPECT_THAT(Parts()[0].ids, ElementsAre(IdOf(0)));
}

TEST_F(BetterCopiesTest, StopsWhereTheShardToRewriteWasDamaged) {
  ReplaceInAPublishedPart();
  const std::string path = "out/shards/" + Parts()[0].shard.name;
  const std::string sound = disk_.Contents(path).at(path);
  std::string bytes = sound;
  bytes[600] ^= 1;
  disk_.Put(path, bytes);
  EXPECT_EQ(output_->TakeOut().error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(output_->TakeOut().error().code, ErrorCode::kCorruptState) << "it repeats the error";
  disk_.Put(path, sound);
  Start();
  EXPECT_TRUE(TakeOut());
}

// Half a copy of a shard would take the room that the disk has not; the next writer lets it be.
TEST_F(BetterCopiesTest, LeavesNoHalfRewrittenShardOnAFullDisk) {
  int failed = 0;
  int left = 0;
  for (std::uint64_t call = 0;; ++call) {
    output_.reset();
    disk_ = winnow::testing::FaultyFiles();
    ReplaceInAPublishedPart();
    disk_.FailAt(disk_.calls() + call, winnow::testing::FaultyFiles::Fault::kDiskFull);
    if (output_->TakeOut()) break;
    ++failed;
    const bool committed = Parts()[0].generation == 1;
    left += !committed && !disk_.Contents("out/.winnow/staging/").empty() ? 1 : 0;
  }
  EXPECT_GT(failed, 10);
  EXPECT_LE(left, 1) << "only where the commit itself failed";
}

TEST_F(BetterCopiesTest, RefusesGenerationsThatContradictTheirPart) {
  ReplaceInAPublishedPart();
  EXPECT_TRUE(TakeOut());
  const std::string path = "out/.winnow/parts/street-train-p003-000000000000.tar.r1.json";
  const std::string good = disk_.Contents(path).at(path);
  std::string other = good;
  other.replace(other.find(IdOf(1)), 32, IdOf(7));
  for (const std::string& text : {std::string(), std::string("{"), good.substr(0, 80), other}) {
    disk_.Put(path, text);
    EXPECT_EQ(OpenError(), ErrorCode::kCorruptState) << text;
  }
  disk_.Put(path, good);
  disk_.Erase("out/.winnow/parts/street-train-p003-000000000000.tar.json");
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
}

TEST_F(BetterCopiesTest, StopsWhereARewrittenShardWasPutBackOrIsGone) {
  Start();
  AppendLabelled(0, 0);
  AppendLabelled(1, 1);
  ASSERT_TRUE(output_->Seal(2));
  const std::string path = "out/shards/" + Parts()[0].shard.name;
  const std::string before = disk_.Contents(path).at(path);
  AppendBetter(5, 2, {1});
  ASSERT_TRUE(output_->Seal(3));
  EXPECT_TRUE(TakeOut());
  disk_.Put(path, before);
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
  disk_.Erase(path);
  EXPECT_EQ(OpenError(), ErrorCode::kCorruptState);
}

TEST_F(BetterCopiesTest, GoesOnWithPartsOfBeforeThereWereReplacements) {
  Start();
  AppendLabelled(0, 0);
  AppendLabelled(1, 1);
  ASSERT_TRUE(output_->Seal(2));
  const std::string path = "out/.winnow/parts/street-train-p003-000000000000.tar.json";
  auto old = nlohmann::json::parse(disk_.Contents(path).at(path));
  old["format_version"] = 1;
  old.erase("replaces");
  old.erase("superseded");
  disk_.Put(path, old.dump());
  EXPECT_EQ(Start(), 2);
  AppendBetter(5, 2, {1});
  ASSERT_TRUE(output_->Seal(3));
  EXPECT_TRUE(TakeOut());
  EXPECT_THAT(Parts()[0].ids, ElementsAre(IdOf(0)));
}

}  // namespace
}  // namespace winnow::dataset
