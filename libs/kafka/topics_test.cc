#include "libs/kafka/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace winnow::kafka {
namespace {

record::ImageRecord Record(const std::string& id, record::SourceKind kind) {
  record::ImageRecord record;
  record.id = RecordId(id);
  record.collection = CollectionId("street");
  record.source.id = SourceId("cam-7");
  record.source.kind = kind;
  return record;
}

TEST(TopicsTest, NamesCarryThePrefix) {
  EXPECT_EQ(TopicName(Topic::kRaw, ""), "images.raw");
  EXPECT_EQ(TopicName(Topic::kDeferred, "lab."), "lab.images.deferred");
  EXPECT_EQ(ChangelogName("deduper", "lab."), "lab.deduper.changelog");
  EXPECT_EQ(GroupName("sink", "lab."), "lab.winnow-sink");
}

TEST(TopicsTest, NoTwoTopicsShareAName) {
  std::set<std::string> names;
  for (const Topic topic : kAllTopics) names.insert(TopicName(topic, ""));
  EXPECT_EQ(names.size(), kAllTopics.size());
}

TEST(TopicsTest, KeepsACamerasFramesTogetherBeforeRedaction) {
  const auto frame = Record("a", record::SourceKind::kCamera);
  EXPECT_EQ(KeyOf(Topic::kRaw, frame), "cam-7");
  EXPECT_EQ(KeyOf(Topic::kValid, frame), "cam-7");
  EXPECT_EQ(KeyOf(Topic::kRaw, Record("a", record::SourceKind::kFolder)), "a");
}

TEST(TopicsTest, KeepsACollectionTogetherWhereItsImagesAreCompared) {
  const auto record = Record("a", record::SourceKind::kFolder);
  EXPECT_EQ(KeyOf(Topic::kSafe, record), "street");
  EXPECT_EQ(KeyOf(Topic::kUnique, record), "street");
}

TEST(TopicsTest, SpreadsSelectedImagesAndKeepsAnIdInItsPlace) {
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    const auto record = Record(std::to_string(i), record::SourceKind::kFolder);
    EXPECT_EQ(KeyOf(Topic::kSelected, record), KeyOf(Topic::kSelected, record));
    EXPECT_THAT(KeyOf(Topic::kSelected, record), testing::StartsWith("street/"));
    keys.insert(KeyOf(Topic::kSelected, record));
  }
  EXPECT_EQ(keys.size(), 64u);
}

TEST(TopicsTest, KeepsAScopeTogetherOnlyWhereDuplicatesAreLookedFor) {
  const auto record = Record("a", record::SourceKind::kCamera);
  const ScopeOf by_source = [](const record::ImageRecord& of) {
    return of.collection.value() + "/source/" + of.source.id.value();
  };
  EXPECT_EQ(KeyOf(Topic::kSafe, record, by_source), "street/source/cam-7");
  for (const Topic topic : kAllTopics) {
    if (topic == Topic::kSafe) continue;
    EXPECT_EQ(KeyOf(topic, record, by_source), KeyOf(topic, record)) << TopicName(topic, "");
  }
}

TEST(TopicsTest, KeepsLookAlikesTogetherWhereDatasetsAreWritten) {
  const auto first = Record("first", record::SourceKind::kFolder);
  for (int i = 0; i < 100; ++i) {
    auto look_alike = Record(std::to_string(i), record::SourceKind::kFolder);
    look_alike.duplicate.emplace().cluster = first.id;
    EXPECT_EQ(KeyOf(Topic::kSelected, look_alike), KeyOf(Topic::kSelected, first));
  }
}

TEST(TopicsTest, SpreadsByIdWhatHasNoCluster) {
  auto record = Record("a", record::SourceKind::kFolder);
  const std::string key = KeyOf(Topic::kSelected, record);
  record.duplicate.emplace();
  EXPECT_EQ(KeyOf(Topic::kSelected, record), key);
}

TEST(TopicsTest, OnlyRedactedImagesAreInTheSafeZone) {
  for (const Topic topic : {Topic::kRaw, Topic::kValid, Topic::kReview, Topic::kDead}) {
    EXPECT_EQ(ZoneOf(topic), record::Zone::kRaw);
  }
  for (const Topic topic : {Topic::kSafe, Topic::kUnique, Topic::kSelected, Topic::kRejected}) {
    EXPECT_EQ(ZoneOf(topic), record::Zone::kSafe);
  }
}

}  // namespace
}  // namespace winnow::kafka
