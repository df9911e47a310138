#include "libs/dataset/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Both disks keep the same promises, so tests on the one in memory speak for the real one.
class FilesTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "winnow_files_" + std::to_string(::getpid());
    ASSERT_TRUE(files().MakeDirectories(directory_ + "/a/b"));
    directory_ += "/a/b";
  }
  void TearDown() override {
    std::filesystem::remove_all(::testing::TempDir() + "winnow_files_" +
                                std::to_string(::getpid()));
  }
  Files& files() { return GetParam() ? PosixFiles() : static_cast<Files&>(memory_); }
  std::string Path(const std::string& name) { return directory_ + "/" + name; }
  void Write(const std::string& name, std::string_view bytes) {
    auto file = files().OpenAppend(Path(name)).value();
    ASSERT_TRUE(file->Append(bytes));
    ASSERT_TRUE(file->Sync());
  }
  std::string ReadAll(const std::string& name) {
    std::string all;
    const auto size = files().Size(Path(name)).value();
    EXPECT_TRUE(files().Read(Path(name), *size, [&](std::string_view p) { all += p; }));
    return all;
  }

  winnow::testing::FaultyFiles memory_;
  std::string directory_;
};

TEST_P(FilesTest, AppendsToWhatIsThere) {
  Write("x", "one");
  Write("x", "two");
  EXPECT_EQ(ReadAll("x"), "onetwo");
}

TEST_P(FilesTest, TruncatesToALength) {
  Write("x", "12345");
  ASSERT_TRUE(files().Truncate(Path("x"), 2));
  EXPECT_EQ(ReadAll("x"), "12");
}

TEST_P(FilesTest, RenamesWithoutReplacing) {
  Write("x", "new");
  EXPECT_EQ(files().RenameNoReplace(Path("x"), Path("y")).value(), RenameOutcome::kRenamed);
  EXPECT_EQ(files().Size(Path("x")).value(), std::nullopt);
  Write("x", "newer");
  EXPECT_EQ(files().RenameNoReplace(Path("x"), Path("y")).value(), RenameOutcome::kTargetExists);
  EXPECT_EQ(ReadAll("y"), "new");
  EXPECT_EQ(ReadAll("x"), "newer");
}

TEST_P(FilesTest, ListsFilesInOrder) {
  Write("b", "");
  Write("a", "");
  EXPECT_THAT(files().List(directory_).value(), ElementsAre("a", "b"));
  EXPECT_THAT(files().List(directory_ + "/none").value(), ElementsAre());
}

TEST_P(FilesTest, RemovesAFileOnceOrTwice) {
  Write("x", "1");
  EXPECT_TRUE(files().Remove(Path("x")));
  EXPECT_TRUE(files().Remove(Path("x")));
  EXPECT_EQ(files().Size(Path("x")).value(), std::nullopt);
}

TEST_P(FilesTest, SaysWhenAFileIsShorterThanAsked) {
  Write("x", "123");
  EXPECT_EQ(files().Read(Path("x"), 4, [](std::string_view) {}).error().code,
            ErrorCode::kCorruptState);
}

TEST_P(FilesTest, ReplacesAFileWhole) {
  ASSERT_TRUE(WriteFileAtomically(files(), Path("x"), "old and long"));
  ASSERT_TRUE(WriteFileAtomically(files(), Path("x"), "new"));
  EXPECT_EQ(ReadAll("x"), "new");
  EXPECT_THAT(files().List(directory_).value(), ElementsAre("x"));
}

INSTANTIATE_TEST_SUITE_P(MemoryAndDisk, FilesTest, ::testing::Bool());

TEST(PosixFilesTest, NamesThePathAndTheCauseWhenTheDiskIsFull) {
  auto full = PosixFiles().OpenAppend("/dev/full");
  if (!full) GTEST_SKIP() << "/dev/full is not writable here";
  const Status status = (*full)->Append("x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(status.error().message,
            "cannot write /dev/full: No space left on device; free space and run the same command "
            "again");
}

TEST(PosixFilesTest, RefusesADirectoryThatIsAFile) {
  const Status status = PosixFiles().MakeDirectories("/dev/null");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("/dev/null"));
}

}  // namespace
}  // namespace winnow::dataset
