#include "services/deduper/deduper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"

namespace winnow::deduper {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;

using Bits = std::array<std::uint64_t, 4>;
constexpr Bits kPicture = {0x0123'4567'89ab'cdef, 0xfeed'beef'dead'cafe, 42, ~0ull};

Bits Away(Bits bits, int distance) {
  for (int i = 0; i < distance; ++i) {
    const int position = i * 8;
    bits[static_cast<std::size_t>(position / 64)] ^= 1ull << (position % 64);
  }
  return bits;
}

ImageRecord Image(const std::string& id, const std::string& content, const Bits& bits,
                  int quality = 100) {
  ImageRecord image;
  image.id = RecordId(id);
  image.payload = record::SafePayloadForTesting::Make(content);
  image.fingerprint = record::Fingerprint{bits, quality, {}};
  return image;
}

spec::CollectionSpec Spec(std::uint32_t max_distance = 31) {
  spec::CollectionSpec spec;
  spec.dedup.max_distance = max_distance;
  spec.digest = "digest of the spec";
  return spec;
}

testing::StageDriver Driver(const spec::CollectionSpec& spec = Spec()) {
  return testing::StageDriver([spec] { return NewDeduper(spec); });
}

TEST(DeduperTest, KeepsTheFirstOfTwoNearDuplicates) {
  auto driver = Driver();
  const Outcome first = driver.Process(Image("a", "one", kPicture)).value();
  EXPECT_EQ(first.disposition, Disposition::kForwarded);
  EXPECT_EQ(first.record.duplicate->cluster, RecordId("a"));
  EXPECT_TRUE(first.record.duplicate->of.empty());

  const Outcome second = driver.Process(Image("b", "two", Away(kPicture, 31))).value();
  EXPECT_EQ(second.disposition, Disposition::kRejected);
  EXPECT_EQ(second.reason, Reason::kNearDuplicate);
  EXPECT_EQ(second.record.duplicate->of, RecordId("a"));
  EXPECT_EQ(second.record.duplicate->cluster, RecordId("a"));
  EXPECT_EQ(second.record.duplicate->distance, 31);
  EXPECT_FALSE(second.record.duplicate->exact);
  EXPECT_EQ(ContentOf(second.record.payload), nullptr);
}

TEST(DeduperTest, KeepsAPictureOneBitBeyondTheLimit) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "one", kPicture)));
  const Outcome second = driver.Process(Image("b", "two", Away(kPicture, 32))).value();
  EXPECT_EQ(second.disposition, Disposition::kForwarded);
  EXPECT_EQ(second.record.duplicate->cluster, RecordId("b"));
}

TEST(DeduperTest, CallsTheSameBytesAnExactDuplicateEvenWithoutFingerprint) {
  auto driver = Driver();
  ImageRecord first = Image("a", "bytes", {});
  first.fingerprint.reset();
  ImageRecord second = Image("b", "bytes", {});
  second.fingerprint.reset();
  ASSERT_EQ(driver.Process(first)->disposition, Disposition::kForwarded);
  const Outcome outcome = driver.Process(second).value();
  EXPECT_EQ(outcome.reason, Reason::kExactDuplicate);
  EXPECT_TRUE(outcome.record.duplicate->exact);
  EXPECT_EQ(outcome.record.duplicate->of, RecordId("a"));
}

TEST(DeduperTest, NeverComparesFlatPictures) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("flat", "1", kPicture, 49)));
  EXPECT_EQ(driver.Process(Image("also flat", "2", kPicture, 49))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("sharp", "3", kPicture, 50))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("flat again", "4", kPicture, 49))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("copy", "5", kPicture, 50))->record.duplicate->of,
            RecordId("sharp"));
}

TEST(DeduperTest, NamesTheNearestAndAmongEqualsTheEarliest) {
  auto driver = Driver(Spec(4));
  ASSERT_TRUE(driver.Process(Image("far", "1", Away(kPicture, 20))));
  ASSERT_TRUE(driver.Process(Image("near", "2", Away(kPicture, 10))));
  Bits other = kPicture;
  other[0] ^= 0xffull << 1;
  other[1] ^= 0b11ull << 1;
  ASSERT_TRUE(driver.Process(Image("as near, later", "3", other)));
  const Outcome outcome = driver.Process(Image("query", "4", kPicture)).value();
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_EQ(outcome.record.history.back().scores.at("distance"), 10);
  EXPECT_THAT(outcome.record.history.back().detail, ::testing::HasSubstr(" near,"));
}

TEST(DeduperTest, PutsLookAlikesItKeepsIntoOneCluster) {
  auto driver = Driver(Spec(2));
  ASSERT_TRUE(driver.Process(Image("a", "1", kPicture)));
  const Outcome second = driver.Process(Image("b", "2", Away(kPicture, 20))).value();
  const Outcome third = driver.Process(Image("c", "3", Away(kPicture, 40))).value();
  EXPECT_EQ(second.record.duplicate->cluster, RecordId("a"));
  EXPECT_EQ(third.record.duplicate->cluster, RecordId("a")) << "through b";
  EXPECT_TRUE(third.record.duplicate->of.empty());
}

TEST(DeduperTest, DoesNotComparePicturesWithThoseItRejected) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "1", kPicture)));
  ASSERT_EQ(driver.Process(Image("b", "2", Away(kPicture, 20)))->reason, Reason::kNearDuplicate);
  EXPECT_EQ(driver.Process(Image("c", "3", Away(kPicture, 40)))->reason, Reason::kNone)
      << "a chain of small steps must not erase a whole drive";
}

TEST(DeduperTest, TellsARecordOfferedAgainTheSame) {
  auto driver = Driver();
  const ImageRecord kept = Image("a", "1", kPicture);
  const ImageRecord dropped = Image("b", "2", Away(kPicture, 30));
  const Outcome kept_first = driver.Process(kept).value();
  const Outcome dropped_first = driver.Process(dropped).value();
  // Nearer to b than a is: must not change what b was told.
  ASSERT_EQ(driver.Process(Image("c", "3", Away(kPicture, 32)))->reason, Reason::kNone);
  const auto before = driver.state.entries;

  for (int reopened = 0; reopened < 2; ++reopened) {
    const Outcome kept_again = driver.Process(kept).value();
    const Outcome dropped_again = driver.Process(dropped).value();
    EXPECT_EQ(kept_again.record, kept_first.record);
    EXPECT_EQ(dropped_again.record, dropped_first.record);
    EXPECT_EQ(driver.state.entries, before);
    driver.Reopen();
  }
}

TEST(DeduperTest, RefusesALimitItCannotSearchExactly) {
  EXPECT_TRUE(Driver(Spec(31)).opened);
  const auto driver = Driver(Spec(32));
  ASSERT_FALSE(driver.opened);
  EXPECT_EQ(driver.opened.error().code, ErrorCode::kConfig);
}

TEST(DeduperTest, RefusesUnredactedBytesAndUnreadableRecords) {
  auto driver = Driver();
  ImageRecord raw = Image("a", "1", kPicture);
  raw.payload = record::RawPayload{*ContentOf(raw.payload)};
  EXPECT_EQ(driver.Process(raw).error().code, ErrorCode::kBug);
  ImageRecord empty = Image("a", "1", kPicture);
  empty.payload = std::monostate();
  EXPECT_EQ(driver.Process(empty).error().code, ErrorCode::kInput);
  EXPECT_EQ(driver.Process(Image("", "1", kPicture)).error().code, ErrorCode::kInput);
  ImageRecord undigested = Image("a", "1", kPicture);
  undigested.payload = record::SafePayloadForTesting::Make(record::PayloadContent());
  EXPECT_EQ(driver.Process(undigested).error().code, ErrorCode::kInput);
  EXPECT_TRUE(driver.state.entries.empty());
}

TEST(DeduperTest, StopsAtCorruptState) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "1", kPicture)));
  for (const auto& entry : std::map(driver.state.entries)) {
    driver.state.entries[entry.first] = "nonsense";
    driver.Reopen();
    const auto outcome = driver.Process(Image("a", "1", kPicture));
    const Status seen = driver.opened ? (outcome ? Status() : Status(outcome.error()))
                                      : driver.opened;
    // The content entry is read only for other records with these bytes.
    const auto copy = driver.Process(Image("b", "1", kPicture));
    ASSERT_TRUE(!seen || !copy);
    EXPECT_EQ((seen ? copy.error() : seen.error()).code, ErrorCode::kCorruptState);
    driver.state.entries[entry.first] = entry.second;
  }
}

// The rule in ten lines, with a linear scan.
struct Oracle {
  struct Entry {
    std::string id;
    std::string content;
    Bits bits;
  };
  std::vector<Entry> kept;

  std::string EarlierOf(const std::string& id, const std::string& content, const Bits& bits) {
    const Entry* nearest = nullptr;
    int best = 32;
    for (const Entry& entry : kept) {
      if (entry.content == content) return entry.id;
      int distance = 0;
      for (std::size_t i = 0; i < 4; ++i) distance += std::popcount(entry.bits[i] ^ bits[i]);
      if (distance < best) {
        best = distance;
        nearest = &entry;
      }
    }
    if (nearest != nullptr) return nearest->id;
    kept.push_back({id, content, bits});
    return "";
  }
};

TEST(DeduperTest, AgreesWithALinearScanHoweverOftenItIsReopened) {
  std::mt19937_64 random(11);
  auto driver = Driver();
  Oracle oracle;
  std::vector<Bits> scenes(60);
  for (Bits& scene : scenes) scene = {random(), random(), random(), random()};
  int duplicates = 0;
  for (int i = 0; i < 1500; ++i) {
    Bits bits = scenes[random() % scenes.size()];
    for (std::uint64_t flips = random() % 30; flips > 0; --flips) {
      bits[random() % 4] ^= 1ull << (random() % 64);
    }
    const std::string id = "image " + std::to_string(i);
    const std::string content = std::to_string(random() % 4000);
    const Outcome outcome = driver.Process(Image(id, content, bits)).value();
    ASSERT_EQ(outcome.record.duplicate->of.value(), oracle.EarlierOf(id, content, bits)) << i;
    duplicates += outcome.disposition == Disposition::kRejected ? 1 : 0;
    if (random() % 50 == 0) driver.Reopen();
  }
  EXPECT_GT(duplicates, 300);
  EXPECT_LT(duplicates, 1450);
}

}  // namespace
}  // namespace winnow::deduper
