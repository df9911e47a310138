#include "libs/telemetry/disk_figures.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace winnow::telemetry {
namespace {

class DiskFiguresTest : public testing::Test {
 protected:
  DiskFiguresTest() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-disk-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~DiskFiguresTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(DiskFiguresTest, TellsWhatTheSystemTells) {
  const auto expected = std::filesystem::space(folder_);
  const auto space = ReadDiskSpace(folder_.string());
  ASSERT_TRUE(space);
  EXPECT_EQ(space->size_bytes, static_cast<double>(expected.capacity));
  // Others write to it, too.
  EXPECT_NEAR(space->free_bytes, static_cast<double>(expected.available), 0.1 * space->size_bytes);
}

TEST_F(DiskFiguresTest, TakesTheNearestParentOfAFolderThatIsNotThereYet) {
  const auto space = ReadDiskSpace((folder_ / "not" / "there" / "yet").string());
  ASSERT_TRUE(space);
  EXPECT_EQ(space->size_bytes, ReadDiskSpace(folder_.string())->size_bytes);
  EXPECT_TRUE(ReadDiskSpace("neither/is/this"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "not")) << "asking makes nothing";
}

TEST_F(DiskFiguresTest, SaysNothingOfWhatCannotBeAFolder) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_FALSE(ReadDiskSpace((folder_ / "file" / "below").string()));
}

TEST_F(DiskFiguresTest, ShowsEachVolumeAsOfTheScrape) {
  Metrics metrics;
  std::ofstream(folder_ / "late") << "x";
  TellDiskSpace("sink", {{"dataset", folder_.string()}, {"late", (folder_ / "late/x").string()}},
                metrics);
  for (int scrape = 0; scrape < 2; ++scrape) {
    const std::string text = metrics.Text();
    for (const char* name : {"winnow_disk_size_bytes", "winnow_disk_free_bytes"}) {
      EXPECT_NE(text.find(std::string(name) + "{stage=\"sink\",volume=\"dataset\"} "),
                std::string::npos) << text;
    }
    EXPECT_EQ(text.find("volume=\"late\""), std::string::npos) << text;
  }
  std::filesystem::remove(folder_ / "late");
  EXPECT_NE(metrics.Text().find("volume=\"late\""), std::string::npos);
  std::ofstream(folder_ / "late") << "x";
  EXPECT_EQ(metrics.Text().find("volume=\"late\""), std::string::npos);
}

}  // namespace
}  // namespace winnow::telemetry
