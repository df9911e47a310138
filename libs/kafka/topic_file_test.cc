// LoadTopics: what a declaration must say, and how it is told what it does not.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "libs/kafka/topic_admin.h"

namespace winnow::kafka {
namespace {

using testing::HasSubstr;

class TopicFileTest : public testing::Test {
 protected:
  // A declaration that has nothing wrong, one line per topic.
  static std::string Sound() {
    return "winnow_topics: 1\n"
           "defaults: {replication: 3, min.insync.replicas: 2}\n"
           "topics:\n"
           "  images.raw: {partitions: 4, retention.ms: 1000}\n"
           "  images.valid: {partitions: 4, retention.ms: 1000}\n"
           "  images.review: {retention.ms: 1000}\n"
           "  images.dead: {retention.ms: 1000}\n"
           "  images.safe: {partitions: 2}\n"
           "  images.unique: {partitions: 2}\n"
           "  images.selected:\n"
           "  images.rejected: {replication: 1}\n"
           "  images.deferred: {cleanup.policy: compact}\n"
           "  deduper.changelog: {partitions: 2, cleanup.policy: compact}\n"
           "  balancer.changelog: {partitions: 2, cleanup.policy: compact}\n";
  }

  static std::string With(const std::string& from, const std::string& to) {
    std::string text = Sound();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  Result<std::vector<TopicDeclaration>> Load(const std::string& text) {
    const std::string path = testing::TempDir() + "topic_file_test.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return LoadTopics(path);
  }

  std::string ErrorOf(const std::string& text) {
    const auto topics = Load(text);
    if (topics) return "no error";
    EXPECT_EQ(topics.error().code, ErrorCode::kConfig);
    return topics.error().message;
  }
};

TEST_F(TopicFileTest, TakesDefaultsUnlessATopicSaysOtherwise) {
  const auto topics = Load(Sound());
  ASSERT_TRUE(topics) << topics.error().message;
  EXPECT_EQ(topics->size(), 11u);
  const auto find = [&](const std::string& name) {
    return *std::find_if(topics->begin(), topics->end(),
                         [&](const TopicDeclaration& topic) { return topic.name == name; });
  };
  EXPECT_EQ(find("images.raw").partitions, 4);
  EXPECT_EQ(find("images.raw").replication, 3);
  EXPECT_EQ(find("images.raw").configs.at("min.insync.replicas"), "2");
  EXPECT_EQ(find("images.selected").partitions, 1);
  EXPECT_EQ(find("images.rejected").replication, 1);
}

TEST_F(TopicFileTest, TakesTheOneThatIsShipped) {
  const auto topics = LoadTopics(WINNOW_TOPICS);
  EXPECT_TRUE(topics) << topics.error().message;
}

TEST_F(TopicFileTest, NamesTheLineAndTheRemedy) {
  const struct {
    std::string from, to, message;
  } cases[] = {
      {"winnow_topics: 1\n", "", "say which format this is"},
      {"winnow_topics: 1\n", "winnow_topics: 2\n", ":1: this winnow reads version 1"},
      {"partitions: 4, retention", "partitions: 0, retention", ":4: partitions must be"},
      {"partitions: 4, retention", "partitions: 4x, retention", ":4: partitions must be"},
      {"partitions: 4, retention", "partitions: [4], retention", ":4: partitions must be"},
      {"{partitions: 4, retention", "{partition: 4, retention", "unknown setting 'partition'"},
      {"{retention.ms: 1000}", "{retention.ms: 1000, retention.ms: 2}", "stands here twice"},
      {"  images.raw: {partitions: 4, retention.ms: 1000}\n", "", "images.raw is missing"},
      {"images.selected:", "images.chosen:", "no topic 'images.chosen'"},
      {"images.raw: {partitions: 4, retention.ms: 1000}", "images.raw: {partitions: 4}",
       ":4: images.raw holds unredacted images"},
      {"images.dead: {retention.ms: 1000}", "images.dead: {retention.ms: -1}",
       ":7: images.dead holds unredacted images"},
      {"images.deferred: {cleanup.policy: compact}", "images.deferred:",
       ":12: images.deferred is read as a table"},
      {"deduper.changelog: {partitions: 2", "deduper.changelog: {partitions: 3",
       ":13: deduper.changelog has 3 partitions and images.safe, whose state it holds, 2"},
      {"balancer.changelog: {partitions: 2, cleanup.policy: compact}",
       "balancer.changelog: {partitions: 2}", "balancer.changelog is read as a table"},
      {"images.safe: {partitions: 2}",
       "images.safe: {partitions: 2, message.timestamp.type: LogAppendTime}", "CreateTime"},
  };
  for (const auto& each : cases) {
    EXPECT_THAT(ErrorOf(With(each.from, each.to)), HasSubstr(each.message));
  }
}

TEST_F(TopicFileTest, WantsAMapOfTopics) {
  EXPECT_THAT(ErrorOf("winnow_topics: 1\ntopics: 7\n"), HasSubstr(":2: topics must be a map"));
  EXPECT_THAT(ErrorOf(With("{partitions: 4, retention.ms: 1000}", "4")),
              HasSubstr(":4: images.raw must be a map"));
}

TEST_F(TopicFileTest, SurvivesWhatIsNoDeclaration) {
  for (const std::string text : {"", "[", "a", "- a", "winnow_topics: {", "\xff\xfe", "topics: ~"}) {
    EXPECT_NE(ErrorOf(text), "no error") << text;
  }
  EXPECT_FALSE(LoadTopics("/nowhere/topics.yaml"));
  EXPECT_FALSE(LoadTopics(testing::TempDir()));
}

}  // namespace
}  // namespace winnow::kafka
