#include "libs/dataset/rewrite_shard.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/digest.h"
#include "libs/dataset/open_tar.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using ::testing::HasSubstr;
using winnow::testing::FaultyFiles;

std::string KeyOf(int index) { return fmt::format("key{}", index); }

class RewriteShardTest : public ::testing::Test {
 protected:
  // Samples of all sizes around a block, one of them larger than what is read at once.
  Shard Write(const std::string& path, const std::vector<int>& samples) {
    OpenTar tar = OpenTar::Begin(disk_, path).value();
    for (const int index : samples) {
      const std::size_t bytes =
          index == 4 ? (3u << 20) : static_cast<std::size_t>(510 + index);
      const std::string image(bytes, static_cast<char>(index));
      const std::string json = fmt::format("{{\"about\": {}}}", index);
      const std::string key = KeyOf(index);
      EXPECT_TRUE(tar.AppendSample({{key + ".jpg", image}, {key + ".json", json}}));
    }
    Shard shard{"s.tar", "train", tar.samples(), 0, tar.Close().value()};
    shard.bytes = tar.bytes();
    return shard;
  }
  std::string File(const std::string& path) { return disk_.Contents(path).at(path); }

  FaultyFiles disk_;
};

TEST_F(RewriteShardTest, LeavesTheOthersAsIfTheSampleHadNeverBeenThere) {
  const std::vector<int> all = {0, 1, 2, 3, 4, 5};
  const Shard shard = Write("in", all);
  for (int out = 0; out < 6; ++out) {
    std::vector<int> others = all;
    others.erase(others.begin() + out);
    const std::string copy = fmt::format("copy{}", out);
    const std::string expected = fmt::format("expected{}", out);
    const auto rewritten = RewriteWithout(disk_, shard, "in", copy, {KeyOf(out)});
    ASSERT_TRUE(rewritten) << rewritten.error().message;
    EXPECT_EQ(*rewritten, Write(expected, others));
    EXPECT_TRUE(File(copy) == File(expected)) << out;
  }
}

TEST_F(RewriteShardTest, TellsWhatItLeavesOut) {
  const Shard shard = Write("in", {0, 1, 2});
  std::map<std::string, std::string> left_out;
  ASSERT_TRUE(RewriteWithout(disk_, shard, "in", "copy", {KeyOf(0), KeyOf(2)},
                             [&](const std::string& key, const std::string& json) {
                               left_out[key] = json;
                             }));
  EXPECT_EQ(left_out, (std::map<std::string, std::string>{{"key0", "{\"about\": 0}"},
                                                          {"key2", "{\"about\": 2}"}}));
}

TEST_F(RewriteShardTest, LeavesAnEmptyTarWhereNothingIsLeft) {
  const Shard shard = Write("in", {0, 1});
  const auto rewritten = RewriteWithout(disk_, shard, "in", "copy", {KeyOf(0), KeyOf(1)});
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->samples, 0u);
  EXPECT_EQ(File("copy"), TarTrailer());
  EXPECT_EQ(rewritten->bytes, kTarTrailerBytes);
}

TEST_F(RewriteShardTest, MakesNothingOfADamagedShard) {
  const Shard shard = Write("in", {0, 1, 2});
  const std::string sound = File("in");
  for (const std::size_t place : {0u, 130u, 300u, 600u, 1300u}) {
    std::string bytes = sound;
    bytes[place] ^= 1;
    disk_.Put("in", bytes);
    const auto rewritten =
        RewriteWithout(disk_, shard, "in", fmt::format("copy{}", place), {KeyOf(1)});
    ASSERT_FALSE(rewritten) << place;
    EXPECT_EQ(rewritten.error().code, ErrorCode::kCorruptState);
    EXPECT_THAT(rewritten.error().message, HasSubstr("in is damaged"));
  }
}

TEST_F(RewriteShardTest, RefusesToTakeOutWhatIsNotThere) {
  const Shard shard = Write("in", {0, 1, 2});
  const auto rewritten = RewriteWithout(disk_, shard, "in", "copy", {KeyOf(1), KeyOf(7)});
  ASSERT_FALSE(rewritten);
  EXPECT_EQ(rewritten.error().code, ErrorCode::kCorruptState);
}

// Bytes that are what was recorded, but were never a shard.
TEST_F(RewriteShardTest, RefusesAFileThatIsNoShard) {
  for (const std::string& bytes : {std::string(2048, 'x'), std::string(), std::string(100, '\0')}) {
    disk_.Put("in", bytes);
    const Shard shard{"s.tar", "train", 1, bytes.size(), ToHex(Sha256(bytes))};
    disk_.Erase("copy");
    const auto rewritten = RewriteWithout(disk_, shard, "in", "copy", {});
    ASSERT_FALSE(rewritten);
    EXPECT_EQ(rewritten.error().code, ErrorCode::kCorruptState);
  }
}

TEST_F(RewriteShardTest, ReportsAFullDisk) {
  const Shard shard = Write("in", {0, 1, 4});
  disk_.Restart();
  ASSERT_TRUE(RewriteWithout(disk_, shard, "in", "copy", {KeyOf(1)}));
  const std::uint64_t calls = disk_.calls();
  ASSERT_GT(calls, 4u);
  for (std::uint64_t call = 0; call < calls; ++call) {
    disk_.Erase("copy");
    disk_.Restart();
    disk_.FailAt(call, FaultyFiles::Fault::kDiskFull);
    const auto rewritten = RewriteWithout(disk_, shard, "in", "copy", {KeyOf(1)});
    ASSERT_FALSE(rewritten) << call;
    EXPECT_EQ(rewritten.error().code, ErrorCode::kUnavailable);
  }
}

}  // namespace
}  // namespace winnow::dataset
