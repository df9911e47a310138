#include "libs/kafka/stage_flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace winnow::kafka {
namespace {

TEST(StageFlowTest, EachStageReadsWhatTheOneBeforeItPassesOn) {
  const auto& flows = StageFlows();
  EXPECT_EQ(flows.front().input, Topic::kRaw);
  for (std::size_t i = 1; i < flows.size(); ++i) EXPECT_EQ(flows[i - 1].output, flows[i].input);
  EXPECT_FALSE(flows.back().output);
}

TEST(StageFlowTest, OnlyValidatorAndBlurrerReadTheRawZone) {
  std::set<std::string> raw;
  for (const StageFlow& flow : StageFlows()) {
    if (ZoneOf(flow.input) == record::Zone::kRaw) raw.insert(flow.stage);
  }
  EXPECT_EQ(raw, (std::set<std::string>{"validator", "privacy-blurrer"}));
}

TEST(StageFlowTest, EveryTopicIsWrittenBySomebodyButImagesRaw) {
  std::set<Topic> written;
  for (const StageFlow& flow : StageFlows()) {
    if (flow.output) written.insert(*flow.output);
    written.insert(flow.beside.begin(), flow.beside.end());
  }
  for (const Topic topic : kAllTopics) {
    EXPECT_EQ(written.contains(topic), topic != Topic::kRaw) << TopicName(topic, "");
  }
}

TEST(StageFlowTest, EveryStageHasAPlaceForWhatItCannotRead) {
  for (const StageFlow& flow : StageFlows()) {
    EXPECT_NE(std::find(flow.beside.begin(), flow.beside.end(), Topic::kDead), flow.beside.end())
        << flow.stage;
  }
}

}  // namespace
}  // namespace winnow::kafka
