#include "services/deduper/deduper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/deduper/deduper_testing.h"

namespace winnow::deduper {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;

constexpr Bits kPicture = {0x0123'4567'89ab'cdef, 0xfeed'beef'dead'cafe, 42, ~0ull};

Bits Away(Bits bits, int distance) {
  for (int i = 0; i < distance; ++i) {
    const int position = i % 32 * 8 + i / 32;
    bits[static_cast<std::size_t>(position / 64)] ^= 1ull << (position % 64);
  }
  return bits;
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

// ---- turned pictures ---------------------------------------------------------------------------

// `bits` are those of the picture as it came; turned by `turn` it looks like `looks_like`.
ImageRecord Turned(const std::string& id, const Bits& bits, record::Turn turn,
                   const Bits& looks_like) {
  ImageRecord image = Image(id, id, bits);
  image.fingerprint->turned.resize(7, {~0ull, 0, ~0ull, 0});
  image.fingerprint->turned[static_cast<std::size_t>(turn) - 1] = looks_like;
  return image;
}

constexpr Bits kOther = {~0ull, 0x5555'5555'5555'5555, 0, 0x1234'5678'9abc'def0};

TEST(DeduperTest, DropsMirroredAndRotatedCopiesWhereTheSpecAsksForThem) {
  for (const record::Turn turn : record::kAllTurns) {
    if (turn == record::Turn::kNone) continue;
    auto spec = Spec();
    spec.dedup.mirrored = true;
    spec.dedup.rotated = true;
    auto driver = Driver(spec);
    ASSERT_TRUE(driver.Process(Image("a", "a", kPicture)));
    const Outcome outcome = driver.Process(Turned("b", kOther, turn, Away(kPicture, 7))).value();
    EXPECT_EQ(outcome.reason, Reason::kNearDuplicate) << Name(turn);
    EXPECT_EQ(outcome.record.duplicate->turn, turn);
    EXPECT_EQ(outcome.record.duplicate->distance, 7);
    EXPECT_TRUE(outcome.record.fingerprint->turned.empty()) << "nobody needs them any more";
  }
}

TEST(DeduperTest, KeepsTurnedCopiesWhereTheSpecDoesNot) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "a", kPicture)));
  const ImageRecord mirrored = Turned("b", kOther, record::Turn::kMirrored, kPicture);
  EXPECT_EQ(driver.Process(mirrored)->reason, Reason::kNone);

  auto spec = Spec();
  spec.dedup.mirrored = true;
  auto mirrors_only = Driver(spec);
  ASSERT_TRUE(mirrors_only.Process(Image("a", "a", kPicture)));
  const ImageRecord rotated = Turned("c", kOther, record::Turn::kRotated90, kPicture);
  EXPECT_EQ(mirrors_only.Process(rotated)->reason, Reason::kNone);
  EXPECT_EQ(mirrors_only.Process(mirrored)->reason, Reason::kNearDuplicate);
}

// ---- scope -------------------------------------------------------------------------------------

TEST(DeduperTest, ComparesWithinASourceOrGroupOnly) {
  auto spec = Spec();
  spec.collection = CollectionId("street");
  spec.dedup.scope = spec::DedupScope::kGroup;
  spec.dedup.groups = {{"north", "gate"}, {"south", "gate"}};
  auto driver = Driver(spec);
  ASSERT_EQ(driver.Process(From("north", Image("a", "x", kPicture)))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(From("south", Image("b", "y", kPicture)))->reason,
            Reason::kNearDuplicate);
  EXPECT_EQ(driver.Process(From("south", Image("c", "x", kOther)))->reason,
            Reason::kExactDuplicate);
  for (int reopened = 0; reopened < 2; ++reopened) {
    const std::string id = "d" + std::to_string(reopened);
    const Outcome alone = driver.Process(From(id, Image(id, "x", kPicture))).value();
    EXPECT_EQ(alone.reason, Reason::kNone) << "the yard is in no group";
    EXPECT_EQ(alone.record.duplicate->cluster, RecordId(id)) << "clusters do not cross scopes";
    EXPECT_EQ(driver.Process(From(id, Image(id + " again", "x", kOther)))->reason,
              Reason::kExactDuplicate);
    driver.Reopen();
  }
}

TEST(DeduperTest, FindsTheNearestOfItsOwnScopeBehindNearerOnesOfOthers) {
  auto spec = Spec();
  spec.dedup.scope = spec::DedupScope::kSource;
  auto driver = Driver(spec);
  for (const char* other : {"1", "2", "3"}) {
    ASSERT_TRUE(driver.Process(From(other, Image(other, other, kPicture))));
  }
  ASSERT_TRUE(driver.Process(From("own", Image("own", "own", Away(kPicture, 20)))));
  const Outcome outcome = driver.Process(From("own", Image("b", "b", kPicture))).value();
  EXPECT_EQ(outcome.record.duplicate->of, RecordId("own"));
  EXPECT_EQ(outcome.record.duplicate->distance, 20);
}

TEST(DeduperTest, RefusesStateOfAnotherScope) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "a", kPicture)));
  auto spec = Spec();
  spec.dedup.scope = spec::DedupScope::kSource;
  const auto other = NewDeduper(spec);
  EXPECT_EQ(other->Open(driver.state).error().code, ErrorCode::kConfig);
}

// ---- window ------------------------------------------------------------------------------------

ImageRecord Taken(double seconds, ImageRecord image) {
  image.captured_at = At(seconds);
  image.ingested_at = At(seconds);
  return image;
}

spec::CollectionSpec Windowed(double seconds) {
  auto spec = Spec();
  spec.dedup.window_seconds = seconds;
  return spec;
}

TEST(DeduperTest, ComparesPicturesTakenWithinTheWindow) {
  auto driver = Driver(Windowed(60));
  ASSERT_TRUE(driver.Process(Taken(100, Image("a", "x", kPicture))));
  EXPECT_EQ(driver.Process(Taken(160, Image("b", "y", kPicture)))->reason, Reason::kNearDuplicate);
  EXPECT_EQ(driver.Process(Taken(40, Image("late", "y", kPicture)))->reason,
            Reason::kNearDuplicate);
  EXPECT_EQ(driver.Process(Taken(160.001, Image("c", "x", kPicture)))->reason, Reason::kNone)
      << "neither near nor the same bytes";
  EXPECT_EQ(driver.Process(Taken(170, Image("d", "x", kOther)))->record.duplicate->of,
            RecordId("c"));
}

TEST(DeduperTest, GoesByTheTimeOfIngestionWithoutATimeOfCapture) {
  auto driver = Driver(Windowed(60));
  ImageRecord first = Taken(100, Image("a", "x", kPicture));
  ImageRecord second = Taken(161, Image("b", "y", kPicture));
  first.captured_at.reset();
  second.captured_at.reset();
  ASSERT_TRUE(driver.Process(first));
  EXPECT_EQ(driver.Process(second)->reason, Reason::kNone);
}

// An archive of old pictures and a camera whose clock is off do not make the present look old.
TEST(DeduperTest, ForgetsByTheTimeOfIngestionAlone) {
  auto driver = Driver(Windowed(60));
  ImageRecord archived = Taken(1000, Image("old", "x", kPicture));
  archived.captured_at = At(-9e8);
  ASSERT_TRUE(driver.Process(archived));
  ImageRecord ahead = Taken(1001, Image("ahead", "y", kOther));
  ahead.captured_at = At(9e12);
  ASSERT_TRUE(driver.Process(ahead));
  ImageRecord copy = Taken(1002, Image("copy", "x", kPicture));
  copy.captured_at = At(-9e8 + 5);
  EXPECT_EQ(driver.Process(copy)->record.duplicate->of, RecordId("old"));
}

TEST(DeduperTest, ForgetsWhatIsOlderThanTheWindowWholly) {
  auto driver = Driver(Windowed(64));
  for (int i = 0; i < 5000; ++i) {
    const Bits bits = {static_cast<std::uint64_t>(i % 7) * 0x1111'1111'1111'1111ull, 1, 2, 3};
    ASSERT_TRUE(driver.Process(Taken(i, Image(std::to_string(i), std::to_string(i % 11), bits))));
    if (i % 997 == 0) driver.Reopen();
  }
  // At most 66 seconds' worth of kept records, contents, decisions and periods.
  EXPECT_LE(driver.state.entries.size(), 4u * 68);
  EXPECT_GE(driver.state.entries.size(), 64u);
  // Everything goes once something comes much later, and numbers are not given out again.
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(driver.Process(Taken(1e6, Image("later " + std::to_string(i), "z", kPicture))));
  }
  // Format, next sequence, one kept record with its content, its period, four decisions.
  EXPECT_EQ(driver.state.entries.size(), 1u + 1 + 2 + 1 + 4);
}

TEST(DeduperTest, ForgetsOldDecisionsByTheHundredsNotAllAtOnce) {
  auto driver = Driver(Windowed(64));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(driver.Process(Taken(10, Image(std::to_string(i), "x", kPicture))));
  }
  const std::size_t before = driver.state.entries.size();
  const Outcome outcome = driver.Process(Taken(500, Image("new", "y", kOther))).value();
  EXPECT_LT(outcome.writes.size(), 600u);
  EXPECT_LT(driver.state.entries.size(), before);
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(driver.Process(Taken(500, Image("n" + std::to_string(i), "y", kOther))));
  }
  EXPECT_LT(driver.state.entries.size(), 30u);
}

// What a stage before held up for longer than the window.
TEST(DeduperTest, RemembersALatecomerForAWhileAndForgetsItWholly) {
  auto driver = Driver(Windowed(64));
  ASSERT_TRUE(driver.Process(Taken(1000, Image("in time", "x", kPicture))));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(driver.Process(Taken(10 * i, Image("late " + std::to_string(i), "y", kOther))));
    if (i == 25) driver.Reopen();
  }
  ImageRecord again = Taken(0, Image("late 0", "y", kOther));
  EXPECT_EQ(driver.Process(again)->disposition, Disposition::kForwarded);
  EXPECT_FALSE(driver.Forget(RecordId("late 7"))->empty()) << "what it was told";
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(driver.Process(Taken(1e6, Image("later " + std::to_string(i), "z", kPicture))));
  }
  // Format, next sequence, one kept record with its content, its period, four decisions.
  EXPECT_EQ(driver.state.entries.size(), 1u + 1 + 2 + 1 + 4);
}

TEST(DeduperTest, IsNotItsOwnDuplicateWhateverTimeItComesAgain) {
  auto driver = Driver(Windowed(60));
  const Outcome first = driver.Process(Taken(100, Image("a", "x", kPicture))).value();
  for (const double later : {100.0, 130.0, 159.0, 900.0}) {
    ImageRecord again = Image("a", "x", kPicture);
    again.captured_at = At(100);
    again.ingested_at = At(later);
    const Outcome outcome = driver.Process(again).value();
    EXPECT_EQ(outcome.disposition, Disposition::kForwarded) << later;
    EXPECT_EQ(outcome.record.duplicate, first.record.duplicate) << later;
  }
}

// ---- better copies -----------------------------------------------------------------------------

spec::CollectionSpec Keeping(spec::Keep keep) {
  auto spec = Spec();
  spec.dedup.keep = keep;
  return spec;
}

TEST(DeduperTest, LetsABetterCopyTakeThePlaceOfTheEarlierOne) {
  auto driver = Driver(Keeping(spec::Keep::kBest));
  ASSERT_TRUE(driver.Process(Sharp(0.5, Image("a", "1", kPicture))));
  const ImageRecord better = Sharp(0.6, Image("b", "2", Away(kPicture, 10)));
  const Outcome replaced = driver.Process(better).value();
  EXPECT_EQ(replaced.disposition, Disposition::kForwarded);
  EXPECT_THAT(replaced.record.duplicate->replaces, ::testing::ElementsAre(RecordId("a")));
  EXPECT_EQ(replaced.record.duplicate->cluster, RecordId("a"));
  EXPECT_TRUE(replaced.record.duplicate->of.empty());
  for (int reopened = 0; reopened < 2; ++reopened) {
    const std::string id = "c" + std::to_string(reopened);
    const Outcome copy = driver.Process(Sharp(0.6, Image(id, id, Away(kPicture, 10)))).value();
    EXPECT_EQ(copy.reason, Reason::kNearDuplicate);
    EXPECT_EQ(copy.record.duplicate->of, RecordId("b"));
    const Outcome again = driver.Process(better).value();
    EXPECT_EQ(again.record, replaced.record) << "told the same, replaces and all";
    driver.Reopen();
  }
  // What was replaced is not compared with any more: 32 bits from b, 22 from a.
  Bits apart = Away(kPicture, 10);
  for (int i = 0; i < 32; ++i) apart[3] ^= 2ull << (2 * i);
  EXPECT_EQ(driver.Process(Sharp(0.1, Image("d", "4", apart)))->reason, Reason::kNone);
}

TEST(DeduperTest, ReplacesEveryCopyItIsBetterThan) {
  auto driver = Driver(Keeping(spec::Keep::kBest));
  Bits left = kPicture;
  Bits right = kPicture;
  left[0] ^= 0xffff'ffull;    // 24 bits each: 48 apart, 24 from the middle
  right[1] ^= 0xffff'ffull;
  ASSERT_EQ(driver.Process(Sharp(0.3, Image("left", "1", left)))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Sharp(0.3, Image("right", "2", right)))->reason, Reason::kNone);
  const Outcome middle = driver.Process(Sharp(0.9, Image("middle", "3", kPicture))).value();
  EXPECT_EQ(middle.reason, Reason::kNearDuplicate) << "they are two clusters";

  auto joined = Driver([] {
    auto spec = Keeping(spec::Keep::kBest);
    spec.dedup.max_distance = 20;
    return spec;
  }());
  ASSERT_TRUE(joined.Process(Sharp(0.3, Image("a", "1", Away(kPicture, 20)))));
  Bits near = Away(kPicture, 20);  // 30 from a: the same cluster, not a copy
  for (int i = 0; i < 15; ++i) near[static_cast<std::size_t>(i / 8)] ^= 1ull << (i % 8 * 8);
  for (int i = 0; i < 15; ++i) near[3] ^= 2ull << (i * 2);
  const Outcome second = joined.Process(Sharp(0.3, Image("b", "2", near))).value();
  ASSERT_EQ(second.record.duplicate->cluster, RecordId("a"));
  const Outcome best = joined.Process(Sharp(0.9, Image("c", "3", kPicture))).value();
  EXPECT_THAT(best.record.duplicate->replaces,
              ::testing::UnorderedElementsAre(RecordId("a"), RecordId("b")));
}

TEST(DeduperTest, KeepsTheSharpestFrameOfABurst) {
  auto driver = Driver(Keeping(spec::Keep::kBestOfBurst));
  const auto frame = [](double seconds, double sharpness) {
    ImageRecord image = Taken(seconds, Sharp(sharpness, Image(std::to_string(seconds),
                                                              std::to_string(seconds), kPicture)));
    image.source = {SourceId("gate"), record::SourceKind::kCamera, "", "", ""};
    return image;
  };
  std::string kept;
  const double sharpness[] = {0.4, 0.3, 0.7, 0.5, 0.9, 0.8};
  for (int i = 0; i < 6; ++i) {
    const Outcome outcome = driver.Process(frame(100 + 0.3 * i, sharpness[i])).value();
    if (outcome.disposition != Disposition::kForwarded) continue;
    const auto& replaces = outcome.record.duplicate->replaces;
    EXPECT_EQ(replaces.empty() ? "" : replaces.front().value(), kept);
    kept = outcome.record.id.value();
    if (i == 2) driver.Reopen();
  }
  EXPECT_EQ(kept, std::to_string(100 + 0.3 * 4));
  EXPECT_EQ(driver.Process(frame(102.5, 0.99))->reason, Reason::kNearDuplicate)
      << "the burst is over: what stands still is not taken again";
}

// ---- erasure -----------------------------------------------------------------------------------

TEST(DeduperTest, ForgetsAnErasedImage) {
  for (const double window : {0.0, 100.0}) {
    auto driver = Driver(Windowed(window));
    ASSERT_TRUE(driver.Process(Taken(10, Image("a", "x", kPicture))));
    ASSERT_TRUE(driver.Process(Taken(11, Image("other", "o", kOther))));
    ASSERT_EQ(driver.Process(Taken(12, Image("b", "x", kPicture)))->reason,
              Reason::kExactDuplicate);
    const auto writes = driver.Forget(RecordId("a"));
    ASSERT_TRUE(writes);
    EXPECT_EQ(writes->size(), 3u) << "the kept record, its bytes and what it was told";
    EXPECT_TRUE(driver.Forget(RecordId("a"))->empty()) << "nothing is left of it";
    EXPECT_TRUE(driver.Forget(RecordId("never seen"))->empty());
    EXPECT_EQ(driver.Process(Taken(13, Image("c", "x", kPicture)))->reason, Reason::kNone)
        << "neither its bytes nor its looks count any more";
    driver.Reopen();
    EXPECT_EQ(driver.Process(Taken(14, Image("d", "x", kPicture)))->record.duplicate->of,
              RecordId("c"));
    EXPECT_EQ(driver.Process(Taken(15, Image("e", "o", kOther)))->record.duplicate->of,
              RecordId("other"));
  }
}

TEST(DeduperTest, TakesAnErasedImageThatComesAgainForANewOne) {
  auto driver = Driver();
  ASSERT_TRUE(driver.Process(Image("a", "x", kPicture)));
  ASSERT_TRUE(driver.Forget(RecordId("a")));
  ASSERT_EQ(driver.Process(Image("b", "y", Away(kPicture, 3)))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("a", "x", kPicture))->record.duplicate->of, RecordId("b"));
}

}  // namespace
}  // namespace winnow::deduper
