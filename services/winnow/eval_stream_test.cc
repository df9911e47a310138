#include "services/winnow/eval_stream.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "libs/testing/images.h"

namespace winnow::cli {
namespace {

namespace fs = std::filesystem;
using Kind = eval::Fate::Kind;

class StreamSetTest : public ::testing::Test {
 protected:
  StreamSetTest()
      : folder_(fs::temp_directory_path() /
                ("winnow-eval-" + std::to_string(std::random_device()()))) {
    fs::create_directories(folder_);
    set_.name = "pictures";
    set_.folder = folder_.string();
  }
  ~StreamSetTest() override { fs::remove_all(folder_); }

  void Add(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    set_.pictures.push_back({name, "", "", "", false});
  }
  StreamedSet Stream(const spec::DedupPolicy& policy = {}) {
    auto streamed = StreamSet(set_, policy, 2);
    EXPECT_TRUE(streamed.has_value()) << streamed.error().message;
    return std::move(*streamed);
  }

  static std::string Jpeg(std::uint32_t seed, int quality = 90) {
    testing::MakeImageOptions options;
    options.seed = seed;
    options.quality = quality;
    return testing::MakeJpeg(options);
  }

  fs::path folder_;
  eval::LabelledSet set_;
};

TEST_F(StreamSetTest, TellsWhatTheDeduperDidWithEachPicture) {
  Add("first.jpg", Jpeg(1));
  Add("other.jpg", Jpeg(2));
  Add("coded_again.jpg", Jpeg(1, 60));
  Add("no_picture.jpg", "hello");
  Add("same_bytes.jpg", Jpeg(2));
  set_.pictures.push_back({"gone.jpg", "", "", "", false});
  set_.pictures.push_back({"", "", "", "", false});  // the folder itself
  const StreamedSet streamed = Stream();
  const Kind expected[] = {Kind::kKept,   Kind::kKept,    Kind::kDropped,
                           Kind::kUnread, Kind::kDropped, Kind::kUnread,
                           Kind::kUnread};
  ASSERT_EQ(streamed.fates.size(), std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(streamed.fates[i].kind, expected[i]) << set_.pictures[i].file;
    EXPECT_EQ(streamed.fingerprints[i].has_value(), expected[i] != Kind::kUnread);
  }
  EXPECT_EQ(streamed.fates[2].of, 0u);
  EXPECT_EQ(streamed.fates[4].of, 1u);
}

TEST_F(StreamSetTest, RefusesNothingThatCanBeReadHoweverBad) {
  testing::MakeImageOptions options;
  options.width = 24;
  options.height = 90;
  options.brightness = 0.05;
  options.blur = 8;
  Add("bad.jpg", testing::MakeJpeg(options));
  EXPECT_EQ(Stream().fates[0].kind, Kind::kKept);
}

TEST_F(StreamSetTest, GoesByTheThresholdOfThePolicy) {
  Add("first.jpg", Jpeg(1));
  Add("coded_again.jpg", Jpeg(1, 20));
  spec::DedupPolicy policy;
  EXPECT_EQ(Stream(policy).fates[1].kind, Kind::kDropped);
  policy.max_distance = 0;
  EXPECT_EQ(Stream(policy).fates[1].kind, Kind::kKept);
}

TEST_F(StreamSetTest, FingerprintsTurnsWhereThePolicyComparesThem) {
  Add("first.jpg", Jpeg(1));
  spec::DedupPolicy policy;
  EXPECT_TRUE(Stream(policy).fingerprints[0]->turned.empty());
  policy.mirrored = true;
  EXPECT_EQ(Stream(policy).fingerprints[0]->turned.size(), record::kAllTurns.size() - 1);
}

}  // namespace
}  // namespace winnow::cli
