#include "libs/kafka/partition_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "libs/base/wire.h"
#include "libs/kafka/state_digest.h"

namespace winnow::kafka {
namespace {

const StateIdentity kIdentity = {"deduper", "cluster", "images.safe", "deduper.changelog", 3};

class PartitionStateTest : public testing::Test {
 protected:
  PartitionStateTest()
      : root_((std::filesystem::temp_directory_path() /
               ("winnow-partition-" + std::to_string(std::random_device()())))
                  .string()),
        directory_(PartitionDirectory(root_, 3)) {}
  ~PartitionStateTest() override { std::filesystem::remove_all(root_); }

  static state::FamilyWrite Put(std::string_view family, std::string key, std::string value) {
    return {std::string(family), {std::move(key), std::move(value)}};
  }

  const std::string root_;
  const std::string directory_;
};

TEST_F(PartitionStateTest, KeepsEntriesAndPositionTogether) {
  {
    const auto state = PartitionState::Open(directory_, kIdentity);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ((*state)->position().changelog, 0);
    EXPECT_EQ((*state)->position().input, std::nullopt);
    ASSERT_TRUE((*state)->Commit({Put(kStateFamily, "k", "v")},
                                 {.changelog = 8, .input = 5, .written = Timestamp{}}));
  }
  const auto state = PartitionState::Open(directory_, kIdentity);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ((*state)->position().changelog, 8);
  EXPECT_EQ((*state)->position().input, 5);
  EXPECT_EQ((*state)->store().Get(kStateFamily, "k").value(), "v");
}

TEST_F(PartitionStateTest, RefusesAnotherPlacesState) {
  ASSERT_TRUE(PartitionState::Open(directory_, kIdentity));
  for (const auto& change :
       {StateIdentity{"balancer", "cluster", "images.safe", "deduper.changelog", 3},
        StateIdentity{"deduper", "other", "images.safe", "deduper.changelog", 3},
        StateIdentity{"deduper", "cluster", "x.images.safe", "deduper.changelog", 3},
        StateIdentity{"deduper", "cluster", "images.safe", "x.changelog", 3},
        StateIdentity{"deduper", "cluster", "images.safe", "deduper.changelog", 4}}) {
    const auto state = PartitionState::Open(directory_, change);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, ErrorCode::kCorruptState);
  }
}

TEST_F(PartitionStateTest, ReadsChangelogEntriesByTheirKind) {
  StatePosition position;
  const auto put = FromChangelog("sid/1", "v", position);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->family, kStateFamily);
  EXPECT_EQ(put->write.key, "id/1");
  EXPECT_EQ(put->write.value, "v");
  const auto deleted = FromChangelog("or7", std::nullopt, position);
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->family, kOriginFamily);
  EXPECT_EQ(deleted->write.value, std::nullopt);
  EXPECT_EQ(position.input, std::nullopt);
  EXPECT_FALSE(FromChangelog("i", WireWriter().U64(42).Take(), position));
  EXPECT_EQ(position.input, 42);
}

TEST_F(PartitionStateTest, SkipsEntriesOfALaterVersion) {
  StatePosition position;
  EXPECT_FALSE(FromChangelog("", "v", position));
  EXPECT_FALSE(FromChangelog("znew", "v", position));
}

TEST_F(PartitionStateTest, HasADigestOfItsEntriesAlone) {
  {
    const auto state = PartitionState::Open(directory_, kIdentity);
    ASSERT_TRUE((*state)->Commit({Put(kStateFamily, "a", "1"), Put(kOriginFamily, "b", "2")},
                                 {.changelog = 8, .input = 5, .written = Timestamp{}}));
  }
  const auto first = DigestState(root_);
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first->partitions.size(), 1u);
  EXPECT_EQ(first->partitions[0].partition, 3);
  EXPECT_EQ(first->partitions[0].entries, 2u);
  EXPECT_EQ(first->partitions[0].input_offset, 5);
  {
    const auto state = PartitionState::Open(directory_, kIdentity);
    ASSERT_TRUE((*state)->Commit({}, {.changelog = 20, .input = 6, .written = Timestamp{}}));
  }
  EXPECT_EQ(DigestState(root_)->partitions[0].sha256, first->partitions[0].sha256);
  {
    const auto state = PartitionState::Open(directory_, kIdentity);
    ASSERT_TRUE((*state)->Commit({Put(kStateFamily, "a", "3")}, (*state)->position()));
  }
  EXPECT_NE(DigestState(root_)->partitions[0].sha256, first->partitions[0].sha256);
}

TEST_F(PartitionStateTest, HasNoDigestWhereThereIsNoState) {
  const auto digest = DigestState(root_ + "/nowhere");
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::kafka
