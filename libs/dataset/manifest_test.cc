#include "libs/dataset/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "libs/dataset/dataset_test_records.h"
#include "libs/dataset/tar.h"
#include "libs/testing/faulty_files.h"
#include "libs/testing/stage_driver.h"

namespace winnow::dataset {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Manifest SmallManifest() {
  Manifest manifest;
  manifest.collection = "street";
  manifest.spec_digest = "ab12";
  manifest.models = {{"centerface", "cd34"}};
  manifest.totals = {10, 5, 3, 1, 1};
  manifest.class_counts = {{"car", 4}};
  manifest.shards = {{"street-train-000000.tar", "train", 4, 8192, "00"},
                     {"street-val-000000.tar", "val", 1, 4096, "11"}};
  return manifest;
}

TEST(ManifestTest, ReadsBackWhatWasWrittenWithSplitsSummed) {
  winnow::testing::FaultyFiles disk;
  ASSERT_TRUE(WriteManifest("out", SmallManifest(), disk));
  Manifest expected = SmallManifest();
  expected.splits = {{"train", 4}, {"val", 1}};
  EXPECT_EQ(ReadManifest("out", disk).value(), expected);
}

TEST(ManifestTest, RefusesTotalsThatDoNotAddUp) {
  winnow::testing::FaultyFiles disk;
  Manifest lossy = SmallManifest();
  lossy.totals.received = 11;
  EXPECT_EQ(WriteManifest("out", lossy, disk).error().code, ErrorCode::kBug);
  Manifest short_of_samples = SmallManifest();
  short_of_samples.shards.pop_back();
  EXPECT_EQ(WriteManifest("out", short_of_samples, disk).error().code, ErrorCode::kBug);
  EXPECT_THAT(disk.Contents("out"), IsEmpty());
}

TEST(ManifestTest, IsNeverHalfThereWhateverFails) {
  using Fault = winnow::testing::FaultyFiles::Fault;
  for (const Fault fault : {Fault::kDiskFull, Fault::kKilled, Fault::kPowerCut, Fault::kTornCut}) {
    for (std::uint64_t call = 0;; ++call) {
      winnow::testing::FaultyFiles disk;
      disk.Put("out/manifest.json", "old");
      disk.FailAt(call, fault);
      if (WriteManifest("out", SmallManifest(), disk)) break;
      disk.Restart();
      const std::string found = disk.Contents("out/manifest.json").begin()->second;
      EXPECT_TRUE(found == "old" || ReadManifest("out", disk)) << call;
      EXPECT_TRUE(WriteManifest("out", SmallManifest(), disk));
      EXPECT_TRUE(ReadManifest("out", disk));
    }
  }
}

TEST(ManifestTest, TellsAMissingForeignOrDamagedManifestApart) {
  winnow::testing::FaultyFiles disk;
  EXPECT_EQ(ReadManifest("out", disk).error().code, ErrorCode::kConfig);
  disk.Put("out/manifest.json", "{\"format_version\": 2}");
  EXPECT_EQ(ReadManifest("out", disk).error().code, ErrorCode::kConfig);
  for (const std::string text : {"", "{", "[]", "{\"format_version\": 1}"}) {
    disk.Put("out/manifest.json", text);
    EXPECT_EQ(ReadManifest("out", disk).error().code, ErrorCode::kCorruptState) << text;
  }
}

class VerifyDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "winnow_verify_" + std::to_string(::getpid());
    winnow::testing::MapState state;
    ShardOptions options{directory_, CollectionId("street"), 3, 1u << 20};
    auto output = NewShardOutput(options, PosixFiles()).value();
    ASSERT_TRUE(output->Recover(state));
    for (int i = 0; i < 5; ++i) {
      auto record = StoredRecord(i);
      ASSERT_TRUE(output->Append(record));
    }
    ASSERT_TRUE(output->Seal());
    state.Apply(output->Prepare().value());
    ASSERT_TRUE(output->Publish());
    manifest_.collection = "street";
    manifest_.totals.received = manifest_.totals.stored = 5;
    manifest_.shards = ReadShards(state).value();
    ASSERT_TRUE(WriteManifest(directory_, manifest_, PosixFiles()));
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string FirstShard() { return directory_ + "/shards/" + manifest_.shards[0].name; }
  std::vector<std::string> Problems() { return VerifyDataset(directory_).value(); }

  // Puts other entries into the first shard and records its new size and digest, as a broken
  // writer would.
  void Rewrite(const std::vector<TarEntry>& entries) {
    std::string bytes;
    ASSERT_TRUE(WriteTarEntries(entries, [&](std::string_view piece) -> Status {
      bytes += piece;
      return {};
    }));
    bytes += TarTrailer();
    std::ofstream(FirstShard(), std::ios::binary) << bytes;
    manifest_.shards[0].bytes = bytes.size();
    manifest_.shards[0].sha256 = ToHex(Sha256(bytes));
    ASSERT_TRUE(WriteManifest(directory_, manifest_, PosixFiles()));
  }

  std::string directory_;
  Manifest manifest_;
};

TEST_F(VerifyDatasetTest, FindsNothingWrongWithASoundDataset) {
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(VerifyDatasetTest, FindsAFlippedBit) {
  std::fstream file(FirstShard(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(600);
  file.put('!');
  file.close();
  EXPECT_THAT(Problems(), Contains(HasSubstr("SHA-256")));
  EXPECT_THAT(Problems(), Contains(HasSubstr("not the one its JSON describes")));
}

TEST_F(VerifyDatasetTest, FindsAMissingATruncatedAndAForeignShard) {
  std::filesystem::resize_file(FirstShard(), 1000);
  EXPECT_THAT(Problems(), Contains(HasSubstr("has 1000 bytes")));
  std::filesystem::remove(FirstShard());
  EXPECT_THAT(Problems(), Contains(HasSubstr("is missing")));
  std::ofstream(directory_ + "/shards/other.tar") << "x";
  EXPECT_THAT(Problems(), Contains("other.tar: is not in the manifest"));
}

TEST_F(VerifyDatasetTest, ReadsNoFileOutsideTheDataset) {
  manifest_.shards[0].name = "../../../../../etc/passwd";
  ASSERT_TRUE(WriteManifest(directory_, manifest_, PosixFiles()));
  EXPECT_THAT(Problems(), Contains("../../../../../etc/passwd: is not a file name"));
}

TEST_F(VerifyDatasetTest, FindsHalfSamplesAndRepeatedKeys) {
  Rewrite({{"a.jpg", "1"}, {"b.jpg", "2"}, {"a.json", "{}"}});
  EXPECT_THAT(Problems(), Contains(HasSubstr("a has an image but no JSON")));
  EXPECT_THAT(Problems(), Contains(HasSubstr("a has JSON without its image before it")));
  Rewrite({{"a.jpg", "1"}, {"a.json", R"({"sha256": 7})"}});
  EXPECT_THAT(Problems(), Contains(HasSubstr("not the one its JSON describes")));
  Rewrite({{"a.jpg", "1"}, {"a.json", "{}"}, {"a.jpg", "1"}, {"a.json", "{"}});
  EXPECT_THAT(Problems(), Contains(HasSubstr("a occurs twice")));
  EXPECT_THAT(Problems(), Contains(HasSubstr("JSON that cannot be parsed")));
  EXPECT_THAT(Problems(), Contains(HasSubstr("holds 2 samples, recorded are 3")));
}

}  // namespace
}  // namespace winnow::dataset
