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
