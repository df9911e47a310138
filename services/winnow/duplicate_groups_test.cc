#include "services/winnow/duplicate_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::cli {
namespace {

using dataset::DropKind;
using record::Disposition;
using record::ImageRecord;
using record::Reason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ImageRecord Ended(const std::string& id, Disposition disposition, Reason reason) {
  ImageRecord record;
  record.id = RecordId(id);
  record.source.id = SourceId("gate");
  record.history.emplace_back();
  record.history.back().disposition = disposition;
  record.history.back().reason = reason;
  return record;
}

ImageRecord Stored(const std::string& id, const std::vector<std::string>& replaces = {}) {
  ImageRecord record = Ended(id, Disposition::kStored, Reason::kNone);
  record.duplicate = record::Duplicate{};
  for (const std::string& earlier : replaces) {
    record.duplicate->replaces.push_back(RecordId(earlier));
  }
  return record;
}

ImageRecord Dropped(const std::string& id, const std::string& of, int distance = 5) {
  ImageRecord record = Ended(id, Disposition::kRejected, Reason::kNearDuplicate);
  record.duplicate = record::Duplicate{};
  record.duplicate->of = RecordId(of);
  record.duplicate->distance = distance;
  return record;
}

// As the deduper sees a better copy off.
ImageRecord Better(const std::string& id, const std::vector<std::string>& replaces, int distance) {
  ImageRecord record = Stored(id, replaces);
  record.history.insert(record.history.begin(), record::StageVerdict{});
  record.history.front().stage = "deduper";
  record.history.front().scores = {{"distance", distance}};
  return record;
}

ImageRecord Superseded(const std::string& id, const std::vector<std::string>& replaces = {}) {
  ImageRecord record = Stored(id, replaces);
  record.history.back() = Ended(id, Disposition::kRejected, Reason::kSuperseded).history.back();
  return record;
}

std::vector<std::string> IdsOf(const DuplicateGroup& group) {
  std::vector<std::string> ids;
  for (const GoneImage& gone : group.gone) ids.push_back(gone.id.value());
  return ids;
}

DuplicateGroups Of(const std::vector<ImageRecord>& records) {
  DuplicateGroups groups;
  for (const ImageRecord& record : records) groups.Add(record);
  return groups;
}

TEST(DuplicateGroupsTest, PutsWhatWasDroppedBesideWhatWasKept) {
  const auto chosen =
      Of({Stored("a"), Dropped("b", "a", 3), Stored("c"), Dropped("d", "a"), Dropped("e", "c")})
          .Choose({});
  ASSERT_THAT(chosen.groups, SizeIs(2));
  EXPECT_EQ(chosen.groups[0].kept, RecordId("a"));
  EXPECT_THAT(IdsOf(chosen.groups[0]), ElementsAre("b", "d"));
  EXPECT_EQ(chosen.groups[0].gone[0].distance, 3);
  EXPECT_EQ(chosen.groups[0].gone[0].against, RecordId("a"));
  EXPECT_EQ(chosen.groups[1].kept, RecordId("c"));
}

TEST(DuplicateGroupsTest, FollowsReplacementsToTheOneThatStayed) {
  // b took a's place, d took b's; c was dropped for a before that.
  const auto chosen =
      Of({Superseded("a"), Superseded("b", {"a"}), Dropped("c", "a"), Stored("d", {"b"})})
          .Choose({});
  ASSERT_THAT(chosen.groups, SizeIs(1));
  EXPECT_EQ(chosen.groups[0].kept, RecordId("d"));
  EXPECT_THAT(IdsOf(chosen.groups[0]), ElementsAre("a", "b", "c"));
  EXPECT_EQ(chosen.groups[0].gone[0].kind, DropKind::kSuperseded);
  EXPECT_EQ(chosen.groups[0].gone[2].kind, DropKind::kLookAlike);
}

TEST(DuplicateGroupsTest, NamesTheBetterCopyAndTheDistanceToTheNearestItReplaced) {
  const auto chosen =
      Of({Superseded("a"), Superseded("b"), Better("c", {"b", "a"}, 9)}).Choose({});
  ASSERT_THAT(chosen.groups, SizeIs(1));
  ASSERT_THAT(IdsOf(chosen.groups[0]), ElementsAre("a", "b"));
  const GoneImage& a = chosen.groups[0].gone[0];
  const GoneImage& b = chosen.groups[0].gone[1];
  EXPECT_EQ(a.against, RecordId("c"));
  EXPECT_EQ(a.distance, std::nullopt);
  EXPECT_EQ(b.against, RecordId("c"));
  EXPECT_EQ(b.distance, 9);
}

TEST(DuplicateGroupsTest, LeavesOutAReplacedImageWhoseSuccessorIsNotThere) {
  EXPECT_THAT(Of({Superseded("a")}).Choose({}).groups, IsEmpty());
}

TEST(DuplicateGroupsTest, EndsOnARingOfDamagedState) {
  const auto chosen = Of({Dropped("a", "b"), Dropped("b", "a")}).Choose({});
  EXPECT_LE(chosen.groups.size(), 2u);
}

TEST(DuplicateGroupsTest, ShowsTheLargestGroupsInTheOrderTheyBegan) {
  const auto chosen =
      Of({Dropped("b", "a"), Dropped("d", "c"), Dropped("f", "e"), Dropped("g", "e"),
          Dropped("h", "c")})
          .Choose({.groups = 2, .of_a_group = 24});
  ASSERT_THAT(chosen.groups, SizeIs(2));
  EXPECT_EQ(chosen.groups[0].kept, RecordId("c"));
  EXPECT_EQ(chosen.groups[1].kept, RecordId("e"));
  EXPECT_EQ(chosen.not_shown, 1u);
}

TEST(DuplicateGroupsTest, TakesImagesOfALargeGroupAtEvenSteps) {
  std::vector<ImageRecord> records = {Stored("a")};
  for (const char* id : {"0", "1", "2", "3", "4", "5"}) records.push_back(Dropped(id, "a"));
  const auto chosen = Of(records).Choose({.groups = 1, .of_a_group = 3});
  EXPECT_THAT(IdsOf(chosen.groups.at(0)), ElementsAre("0", "2", "4"));
  EXPECT_EQ(chosen.groups[0].not_shown, 3u);
}

TEST(DuplicateGroupsTest, AccountsForEveryImageOfASource) {
  ImageRecord same = Dropped("c", "a", 0);
  same.history.back().reason = Reason::kExactDuplicate;
  const auto sources =
      Of({Stored("a", {"x"}), Dropped("b", "a"), same, Superseded("x"),
          Ended("d", Disposition::kRejected, Reason::kBlurry),
          Ended("e", Disposition::kReview, Reason::kResidualFace),
          Ended("f", Disposition::kDeferred, Reason::kOverTargetShare)})
          .Sources();
  ASSERT_THAT(sources, SizeIs(1));
  const dataset::SourceFigures& gate = sources[0];
  EXPECT_EQ(gate.source, "gate");
  EXPECT_EQ(gate.received, 7u);
  EXPECT_EQ(gate.kept, 2u);
  EXPECT_EQ(gate.look_alikes, 1u);
  EXPECT_EQ(gate.same_bytes, 1u);
  EXPECT_EQ(gate.superseded, 1u);
  EXPECT_EQ(gate.otherwise, 2u);
}

}  // namespace
}  // namespace winnow::cli
