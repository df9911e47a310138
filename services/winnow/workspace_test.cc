#include "services/winnow/workspace.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace winnow::cli {
namespace {

namespace fs = std::filesystem;

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest()
      : scratch_(fs::temp_directory_path() /
                 ("winnow-workspace-" + std::to_string(std::random_device()()))) {
    fs::create_directories(scratch_);
    spec_.collection = CollectionId("street");
    spec_.digest = "digest-of-the-spec";
  }
  ~WorkspaceTest() override { fs::remove_all(scratch_); }

  std::string Path(const std::string& name) const { return (scratch_ / name).string(); }

  Result<Workspace> Claim(const std::string& output = "out", const std::string& state = "") {
    return ClaimWorkspace(dataset::PosixFiles(), spec_, Path(output),
                          state.empty() ? DefaultState(Path(output)) : Path(state));
  }

  fs::path scratch_;
  spec::CollectionSpec spec_;
};

TEST_F(WorkspaceTest, RecognisesItsOwnFoldersAgain) {
  ASSERT_TRUE(Claim()) << Claim().error().message;
  const auto again = Claim();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->Path("report.html"), Path("out") + "/report.html");
}

TEST_F(WorkspaceTest, GoesOnAfterAKillBetweenTheTwoClaims) {
  ASSERT_TRUE(Claim());
  fs::remove(Path("out") + "/.winnow/owner.json");
  const auto again = Claim();
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(WorkspaceTest, RefusesAnotherSpecsFolder) {
  ASSERT_TRUE(Claim());
  spec_.digest = "digest-of-another";
  const auto refused = Claim();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConfig);
}

TEST_F(WorkspaceTest, RefusesTheStateOfAnotherOutput) {
  const auto first = Claim("out", "state");
  ASSERT_TRUE(first);
  fs::create_directories(first->Database());
  ASSERT_FALSE(Claim("second", "state"));
  EXPECT_FALSE(fs::exists(Path("second"))) << "a refusal leaves nothing behind";
}

TEST_F(WorkspaceTest, RefusesAFolderWithOtherFilesOrAForgedOwner) {
  fs::create_directories(Path("out"));
  std::ofstream(Path("out") + "/thesis.doc") << "text";
  EXPECT_FALSE(Claim());

  for (const char* owner : {"", "{", "[]", "{\"format\": 1}", "{\"format\": \"1\"}",
                            "{\"format\": 1, \"collection\": 5, \"spec_digest\": null}"}) {
    fs::create_directories(Path("forged/.winnow"));
    std::ofstream(Path("forged/.winnow/owner.json")) << owner;
    const auto refused = Claim("forged");
    ASSERT_FALSE(refused) << owner;
    EXPECT_EQ(refused.error().code, ErrorCode::kConfig) << owner;
  }
}

}  // namespace
}  // namespace winnow::cli
