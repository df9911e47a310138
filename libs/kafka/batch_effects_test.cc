#include "libs/kafka/batch_effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <utility>

#include "libs/base/wire.h"

namespace winnow::kafka {
namespace {

using stream::StateWrite;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Entry = std::pair<std::string, std::optional<std::string>>;

class BatchEffectsTest : public testing::Test {
 protected:
  BatchEffectsTest()
      : root_((std::filesystem::temp_directory_path() /
               ("winnow-effects-" + std::to_string(std::random_device()())))
                  .string()) {
    auto state = PartitionState::Open(
        root_, {"deduper", "cluster", "images.safe", "deduper.changelog", 3});
    EXPECT_TRUE(state);
    with_state_.state = std::move(*state);
  }
  ~BatchEffectsTest() override { std::filesystem::remove_all(root_); }

  Judgement& Judged(PartitionTask& task, std::int64_t offset) {
    BatchItem& item = batch_.items.emplace_back();
    item.task = &task;
    item.sequence = batch_.items.size();
    item.arrival.place.offset = offset;
    return item.judgement.emplace();
  }

  static std::vector<Entry> EntriesOf(const PartitionEffects& effects) {
    std::vector<Entry> entries;
    for (const ChangelogEntry& entry : effects.changelog) {
      entries.emplace_back(entry.key, entry.value);
    }
    return entries;
  }

  const std::string root_;
  PartitionTask with_state_{3};
  PartitionTask without_state_{4};
  Batch batch_;
};

TEST_F(BatchEffectsTest, KeepsOfEachEntryTheLastWriteAlone) {
  Judged(with_state_, 7).state = {{"b", "1"}, {"a", "1"}, {"a", "2"}};
  Judged(with_state_, 8).state = {{"c", "1"}, {"b", std::nullopt}};
  Judged(with_state_, 9).state = {{"a", "3"}, {"c", "2"}};
  const BatchEffects effects = EffectsOf(batch_);
  EXPECT_THAT(EntriesOf(effects.partitions.at(3)),
              ElementsAre(Pair("sa", "3"), Pair("sb", std::nullopt), Pair("sc", "2"),
                          Pair("i", WireWriter().U64(10).Take())));
}

TEST_F(BatchEffectsTest, TellsStateAndOriginsApart) {
  Judgement& judgement = Judged(with_state_, 0);
  judgement.state = {{"a", "state"}};
  judgement.origins = {{"a", "origin"}};
  const BatchEffects effects = EffectsOf(batch_);
  EXPECT_THAT(EntriesOf(effects.partitions.at(3)),
              ElementsAre(Pair("oa", "origin"), Pair("sa", "state"),
                          Pair("i", WireWriter().U64(1).Take())));
}

TEST_F(BatchEffectsTest, SaysHowFarTheInputIsJudgedWhereNothingIsWritten) {
  Judged(with_state_, 41);
  Judged(without_state_, 50);
  batch_.gaps.push_back({&with_state_, 40, 41});
  const BatchEffects effects = EffectsOf(batch_);
  EXPECT_THAT(EntriesOf(effects.partitions.at(3)),
              ElementsAre(Pair("i", WireWriter().U64(42).Take())));
  EXPECT_EQ(effects.partitions.at(4).next, 51);
  EXPECT_THAT(effects.partitions.at(4).changelog, IsEmpty());
}

}  // namespace
}  // namespace winnow::kafka
