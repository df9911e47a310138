#include "libs/base/disk_space.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace winnow {
namespace {

class DiskSpaceTest : public testing::Test {
 protected:
  DiskSpaceTest() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-disk-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~DiskSpaceTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(DiskSpaceTest, TellsWhatTheSystemTells) {
  const auto expected = std::filesystem::space(folder_);
  const auto space = ReadDiskSpace(folder_.string());
  ASSERT_TRUE(space);
  EXPECT_EQ(space->size_bytes, expected.capacity);
  // Others write to it, too.
  EXPECT_NEAR(static_cast<double>(space->free_bytes), static_cast<double>(expected.available),
              0.1 * static_cast<double>(space->size_bytes));
}

TEST_F(DiskSpaceTest, TakesTheNearestParentOfAFolderThatIsNotThereYet) {
  const auto space = ReadDiskSpace((folder_ / "not" / "there" / "yet").string());
  ASSERT_TRUE(space);
  EXPECT_EQ(space->size_bytes, ReadDiskSpace(folder_.string())->size_bytes);
  EXPECT_TRUE(ReadDiskSpace("neither/is/this"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "not")) << "asking makes nothing";
}

TEST_F(DiskSpaceTest, SaysNothingOfWhatCannotBeAFolder) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_FALSE(ReadDiskSpace((folder_ / "file" / "below").string()));
}

}  // namespace
}  // namespace winnow
