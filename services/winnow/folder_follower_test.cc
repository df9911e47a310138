#include "services/winnow/folder_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace winnow::cli {
namespace {

using Files = std::map<std::string, std::string>;  // name -> version
using Names = std::vector<std::string>;

class FakeFolder : public stream::Source {
 public:
  explicit FakeFolder(const Files& files) : files_(files), at_(files_.begin()) {}

  Result<std::optional<stream::SourceEntry>> Next() override {
    if (at_ == files_.end()) return std::optional<stream::SourceEntry>();
    stream::SourceEntry entry;
    entry.name = at_->first;
    entry.version = at_->second;
    ++at_;
    if (entry.name == "unreadable") return UnavailableError("cannot list");
    return std::optional(std::move(entry));
  }
  Result<record::ImageRecord> Load(const stream::SourceEntry&) const override {
    return BugError("nobody loads here");
  }

 private:
  const Files files_;
  Files::const_iterator at_;
};

class FolderFollowerTest : public testing::Test {
 protected:
  // The names taken in one look.
  Names Look() {
    Names taken;
    auto look = follower_.LookAgain(
        [&](const stream::Source&, const stream::SourceEntry& entry) -> Status {
          if (!taking_) return taking_;
          taken.push_back(entry.name);
          sent_[entry.name] = entry.version;
          return {};
        },
        [this] { return stopped_; });
    folder_ = look.folder;
    taken_ = look.taking;
    return taken;
  }

  Files files_;
  Files sent_;
  bool away_ = false;
  bool stopped_ = false;
  Status taking_;
  Status folder_;
  Status taken_;
  FolderFollower follower_{
      [this]() -> Result<std::unique_ptr<stream::Source>> {
        if (away_) return ConfigError("no such folder");
        return std::make_unique<FakeFolder>(files_);
      },
      [this](const stream::SourceEntry& entry) -> Result<bool> {
        const auto found = sent_.find(entry.name);
        return found != sent_.end() && found->second == entry.version;
      }};
};

TEST_F(FolderFollowerTest, TakesAFileThatWasTheSameAtTwoLooks) {
  files_ = {{"a", "1"}};
  EXPECT_EQ(Look(), Names{});
  EXPECT_EQ(follower_.waiting(), 1u);
  EXPECT_EQ(Look(), Names{"a"});
  EXPECT_EQ(follower_.waiting(), 0u);
  EXPECT_EQ(Look(), Names{});
}

TEST_F(FolderFollowerTest, WaitsForAFileThatGrows) {
  for (const char* version : {"1", "2", "3"}) {
    files_ = {{"a", version}};
    EXPECT_EQ(Look(), Names{}) << version;
  }
  EXPECT_EQ(Look(), Names{"a"});
}

TEST_F(FolderFollowerTest, TakesAFileAgainThatChanged) {
  files_ = {{"a", "1"}, {"b", "1"}};
  Look();
  EXPECT_EQ(Look(), (Names{"a", "b"}));
  files_["b"] = "2";
  EXPECT_EQ(Look(), Names{});
  EXPECT_EQ(Look(), Names{"b"});
}

TEST_F(FolderFollowerTest, ForgetsAFileThatWentAway) {
  files_ = {{"a", "1"}};
  Look();
  files_.clear();
  Look();
  files_ = {{"a", "1"}};
  EXPECT_EQ(Look(), Names{});
  EXPECT_EQ(Look(), Names{"a"});
}

TEST_F(FolderFollowerTest, AFolderThatIsAwayLosesNothingOfWhatWasSeen) {
  files_ = {{"a", "1"}};
  Look();
  away_ = true;
  EXPECT_EQ(Look(), Names{});
  EXPECT_FALSE(folder_);
  EXPECT_TRUE(taken_);
  away_ = false;
  EXPECT_EQ(Look(), Names{"a"});
  EXPECT_TRUE(folder_);
}

TEST_F(FolderFollowerTest, TakesWhatItReachesOfAFolderThatBreaksOff) {
  files_ = {{"a", "1"}};
  Look();
  files_["unreadable"] = "";
  EXPECT_EQ(Look(), Names{"a"});
  EXPECT_FALSE(folder_);
}

TEST_F(FolderFollowerTest, EndsALookWhenTakingFailsOrItIsEnough) {
  files_ = {{"a", "1"}, {"b", "1"}};
  Look();
  taking_ = UnavailableError("no broker");
  EXPECT_EQ(Look(), Names{});
  EXPECT_FALSE(taken_);
  EXPECT_TRUE(folder_);
  taking_ = {};
  stopped_ = true;
  EXPECT_EQ(Look(), Names{});
}

}  // namespace
}  // namespace winnow::cli
