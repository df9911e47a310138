#include "services/sink/sink.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"
#include "services/sink/split.h"

namespace winnow::sink {
namespace {

using record::ImageRecord;
using Splits = std::map<std::string, double>;

const Splits kSplits = {{"test", 0.1}, {"train", 0.7}, {"unused", 0.0}, {"val", 0.2}};

ImageRecord Image(const std::string& id, const std::string& cluster) {
  ImageRecord image;
  image.id = RecordId(id);
  image.payload = record::SafePayloadForTesting::Make("picture of " + id);
  image.duplicate.emplace();
  image.duplicate->cluster = RecordId(cluster);
  return image;
}

testing::StageDriver Driver(const Splits& splits = kSplits) {
  spec::CollectionSpec spec;
  spec.output.splits = splits;
  return testing::StageDriver([spec] { return NewSink(spec); });
}

std::string SplitIn(testing::StageDriver& driver, const ImageRecord& image) {
  return driver.Process(image)->record.placement->split;
}

TEST(SplitOfTest, MeetsTheSharesWithinFourDeviations) {
  constexpr int kImages = 20'000;
  std::map<std::string, int> counts;
  for (int i = 0; i < kImages; ++i) ++counts[SplitOf("record " + std::to_string(i), kSplits)];
  for (const auto& [name, share] : kSplits) {
    const double deviation = std::sqrt(share * (1 - share) * kImages);
    EXPECT_NEAR(counts[name], share * kImages, 4 * deviation) << name;
  }
  EXPECT_EQ(counts["unused"], 0);
}

// SHA-256("abc") starts with ba7816bf, which is 0.7284 of 1.
TEST(SplitOfTest, ReadsTheDigestAsAFraction) {
  EXPECT_EQ(SplitOf("abc", {{"a", 0.728}, {"b", 0.272}}), "b");
  EXPECT_EQ(SplitOf("abc", {{"a", 0.729}, {"b", 0.271}}), "a");
}

TEST(SplitOfTest, FillsTheRoundingGapAtTheEnd) {
  const Splits short_by_a_hair = {{"a", 1e-9}, {"b", 1 - 1e-6}, {"c", 0}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_NE(SplitOf(std::to_string(i), short_by_a_hair), "c");
  }
}

TEST(CheckSplitsTest, RefusesSharesThatAreNotAWhole) {
  EXPECT_TRUE(CheckSplits(kSplits));
  EXPECT_TRUE(CheckSplits({{"train", 1.0}}));
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Splits> all_wrong = {
      {}, {{"a", 0.5}}, {{"a", 1.5}, {"b", -0.5}}, {{"a", not_a_number}}};
  for (const Splits& wrong : all_wrong) {
    const Status checked = CheckSplits(wrong);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::kConfig);
  }
}

TEST(SinkTest, StoresWithTheSplitOfTheCluster) {
  auto driver = Driver();
  const auto outcome = driver.Process(Image("a", "abc")).value();
  EXPECT_EQ(outcome.disposition, record::Disposition::kStored);
  EXPECT_EQ(outcome.record.placement->split, SplitOf("abc", kSplits));
  EXPECT_TRUE(std::holds_alternative<record::SafePayload>(outcome.record.payload));
}

TEST(SinkTest, NeverDividesLookAlikes) {
  auto driver = Driver();
  for (int cluster = 0; cluster < 200; ++cluster) {
    const std::string first = "first " + std::to_string(cluster);
    const std::string split = SplitIn(driver, Image(first, first));
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(SplitIn(driver, Image(first + "." + std::to_string(i), first)), split);
    }
  }
}

TEST(SinkTest, GivesTheSameSplitInAnyOrderAndCompany) {
  auto forwards = Driver();
  auto backwards = Driver();
  std::map<std::string, std::string> splits;
  for (int i = 0; i < 100; ++i) {
    const std::string id = std::to_string(i);
    splits[id] = SplitIn(forwards, Image(id, id));
  }
  for (int i = 99; i >= 0; i -= 3) {
    const std::string id = std::to_string(i);
    EXPECT_EQ(SplitIn(backwards, Image(id, id)), splits[id]);
  }
}

TEST(SinkTest, FallsBackToTheRecordIdWithoutCluster) {
  auto driver = Driver();
  ImageRecord image = Image("abc", "");
  EXPECT_EQ(SplitIn(driver, image), SplitOf("abc", kSplits));
  image.duplicate.reset();
  EXPECT_EQ(SplitIn(driver, image), SplitOf("abc", kSplits));
}

TEST(SinkTest, TreatsUnredactedBytesAsABug) {
  auto driver = Driver();
  ImageRecord raw = Image("a", "a");
  raw.payload = record::RawPayload{*ContentOf(raw.payload)};
  EXPECT_EQ(driver.Process(raw).error().code, ErrorCode::kBug);
  raw.payload = std::monostate();
  EXPECT_EQ(driver.Process(raw).error().code, ErrorCode::kInput);
}

TEST(SinkTest, RefusesToOpenWithoutSplits) {
  EXPECT_EQ(Driver({}).opened.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::sink
