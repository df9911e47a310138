#include "libs/base/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace winnow {
namespace {

class WholeFileTest : public testing::Test {
 protected:
  WholeFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-whole-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~WholeFileTest() override { std::filesystem::remove_all(folder_); }

  std::optional<std::string> WriteAndRead(const std::string& bytes) const {
    std::ofstream(folder_ + "/file", std::ios::binary) << bytes;
    return ReadWholeFile(folder_ + "/file");
  }

  std::string folder_;
};

TEST_F(WholeFileTest, ReadsEveryByte) {
  const std::string any("a\0\r\n\xff", 5);
  for (const std::string& bytes : {std::string(), any, std::string(64u << 10, 'x'),
                                   std::string((64u << 10) + 1, 'y')}) {
    EXPECT_EQ(WriteAndRead(bytes), bytes);
  }
}

TEST_F(WholeFileTest, TellsWhatCannotBeReadWithoutThrowing) {
  EXPECT_EQ(ReadWholeFile(folder_ + "/nowhere"), std::nullopt);
  EXPECT_EQ(ReadWholeFile(folder_), std::nullopt);
}

}  // namespace
}  // namespace winnow
