#include "libs/dataset/tar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <filesystem>

namespace winnow::dataset {
namespace {

std::string Tar(const std::vector<TarEntry>& entries) {
  std::string bytes;
  EXPECT_TRUE(WriteTarEntries(entries, [&](std::string_view piece) -> Status {
    bytes += piece;
    return {};
  }));
  return bytes;
}

class TempFile {
 public:
  explicit TempFile(const std::string& bytes)
      : path_(::testing::TempDir() + "winnow_tar_" + std::to_string(::getpid())) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(TarTest, WritesExactlyTheBytesItAnnounces) {
  const std::string sizes[] = {"", "x", std::string(511, 'a'), std::string(512, 'b'),
                               std::string(513, 'c'), std::string(3'000'000, 'd')};
  for (const std::string& bytes : sizes) {
    const std::vector<TarEntry> entries = {{"k.jpg", bytes}, {"k.json", "{}"}};
    EXPECT_EQ(Tar(entries).size(), TarBytes(entries)) << bytes.size();
  }
}

TEST(TarTest, WritesAReproducibleUstarHeader) {
  const std::string tar = Tar({{"key.jpg", "abc"}});
  ASSERT_EQ(tar.size(), 1024u);
  EXPECT_EQ(tar.substr(0, 8), std::string("key.jpg\0", 8));
  EXPECT_EQ(tar.substr(100, 36), std::string("000644 \0"
                                             "000000 \0"
                                             "000000 \0"
                                             "00000000003 ",
                                             36));
  EXPECT_EQ(tar.substr(136, 12), "00000000000 ");
  EXPECT_EQ(tar.substr(156, 1), "0");
  EXPECT_EQ(tar.substr(257, 8), std::string("ustar\0" "00", 8));
  EXPECT_EQ(tar.substr(265, 64), std::string(64, '\0')) << "owner and group have no names";
  EXPECT_EQ(tar.substr(512, 3), "abc");
}

TEST(TarTest, ConcatenatedSamplesAndATrailerAreOneArchive) {
  const TempFile file(Tar({{"a.jpg", "1"}, {"a.json", "2"}}) + Tar({{"b.jpg", "3"}}) +
                      TarTrailer());
  std::string seen;
  ASSERT_TRUE(ReadTar(file.path(), 100, [&](const std::string& name, const std::string& bytes) {
    seen += name + "=" + bytes + " ";
    return Status();
  }));
  EXPECT_EQ(seen, "a.jpg=1 a.json=2 b.jpg=3 ");
}

TEST(TarTest, PassesOnTheErrorOfItsDestination) {
  const Status status = WriteTarEntries({{"a.jpg", "1"}}, [](std::string_view) -> Status {
    return UnavailableError("full");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "full");
}

TEST(TarTest, RefusesANameThatUstarCannotHold) {
  const Status status = WriteTarEntries({{std::string(101, 'n'), ""}},
                                        [](std::string_view) -> Status { return {}; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kBug);
}

TEST(TarTest, ReportsDamagedArchivesAndOversizedEntries) {
  const std::string whole = Tar({{"a.jpg", std::string(2000, 'x')}}) + TarTrailer();
  const auto nothing = [](const std::string&, const std::string&) { return Status(); };
  EXPECT_EQ(ReadTar(TempFile(whole.substr(0, 900)).path(), 9000, nothing).error().code,
            ErrorCode::kInput);
  EXPECT_EQ(ReadTar(TempFile("not a tar file").path(), 9000, nothing).error().code,
            ErrorCode::kInput);
  EXPECT_EQ(ReadTar(TempFile(whole).path(), 1999, nothing).error().code, ErrorCode::kInput);
  EXPECT_EQ(ReadTar("/nonexistent", 9000, nothing).error().code, ErrorCode::kInput);
  EXPECT_TRUE(ReadTar(TempFile(whole).path(), 2000, nothing));
}

}  // namespace
}  // namespace winnow::dataset
