#include "libs/record/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace winnow::record {

class SafePayloadForTesting {
 public:
  static SafePayload Make(PayloadContent content) {
    return SafePayload(RedactionPass(), std::move(content));
  }
};

namespace {

using ::testing::HasSubstr;
using std::string_literals::operator""s;

Timestamp At(std::int64_t millis) { return Timestamp(std::chrono::milliseconds(millis)); }

PayloadContent Content(const std::string& bytes) {
  return {SharedBytes(bytes), "image/jpeg", Sha256(bytes)};
}

Annotation FullAnnotation() {
  Annotation annotation;
  annotation.label = "bicycle";
  annotation.box = Box{1.5, -2, 30.25, 40};
  annotation.polygons = Polygons{{{{0, 0}, {1, 0.125}, {1, 1}}, {}, {{5, 5}}}};
  annotation.mask = MaskRle{4, 3, {0, 5, 7, std::numeric_limits<std::uint32_t>::max()}};
  annotation.keypoints = {{{1, 2}, 2}, {{0, 0}, 0}};
  annotation.attributes = {{"iscrowd", "1"}, {"occluded", ""}};
  return annotation;
}

StageVerdict FullVerdict() {
  StageVerdict verdict;
  verdict.stage = "validator";
  verdict.disposition = Disposition::kRejected;
  verdict.reason = Reason::kBlurry;
  verdict.detail = "sharpness 0.21 is below the minimum 0.30 in caf\xE9.jpg";
  verdict.scores = {{"sharpness", 0.21}, {"noise", 1e300}};
  verdict.thresholds = {{"sharpness", 0.30}};
  verdict.spec_digest = "abc";
  verdict.model_digest = "def";
  verdict.time = At(1700000000123);
  return verdict;
}

void AddStageResults(ImageRecord& record) {
  record.measurements = Measurements{ImageFormat::kWebp, 640, 480, 6, .5, .1, .9, .4, .2, 3.5, 7.1,
                                     .05, Lighting::kDim, ""};
  record.fingerprint = Fingerprint{{1, 0, std::numeric_limits<std::uint64_t>::max(), 4}, 87};
  for (std::uint64_t turn = 1; turn < kAllTurns.size(); ++turn) {
    record.fingerprint->turned.push_back({turn, 0, ~turn, turn << 40});
  }
  record.redaction = Redaction{{{{1, 2, 3, 4}, "face", .9, ""}, {{5, 6, 7, 8}, "plate", .4, ""}},
                               .03, .1, true, {"gps", "thumbnail"}, ""};
  record.duplicate = Duplicate{RecordId("earlier"), 12, true, RecordId("first"), Turn::kTransposed,
                               {RecordId("earlier"), RecordId("caf\u00e9")}};
  record.selection = Selection{{"class=bicycle", "lighting=dim"}, true, {"lighting=dark"}};
  record.placement = Placement{"train", "street-train-000003.tar", "k1", ""};
  record.history = {FullVerdict(), StageVerdict{}};
}

ImageRecord FullRecord() {
  ImageRecord record;
  record.id = RecordId("00112233445566778899aabbccddeeff");
  record.collection = CollectionId("street");
  record.source = {SourceId("cam-7"), SourceKind::kCamera, "crossing", "a/caf\xE9.jpg", ""};
  record.captured_at = At(-1);
  record.ingested_at = At(1700000000000);
  record.payload = RawPayload{Content("\xFF\xD8\0pixels"s)};
  record.attributes = {{"weather", "rain"}, {"angle", ""}, {"größe", "ß"}};
  record.annotations = {FullAnnotation(), Annotation{}};
  record.consent = Consent{"consent", {"p1", "p2"}, {"train"}, "EU", At(0), ""};
  record.source_fault = Reason::kAnnotationUnreadable;
  record.source_fault_detail = "caf\xE9.json: unexpected end";
  AddStageResults(record);
  return record;
}

ImageRecord SafeRecord() {
  ImageRecord record = FullRecord();
  record.payload = SafePayloadForTesting::Make(Content("blurred"));
  return record;
}

std::string DecodeError(std::string_view bytes, Zone zone = Zone::kRaw) {
  const auto decoded = RecordCodec::Decode(bytes, zone);
  if (decoded) return "";
  EXPECT_EQ(decoded.error().code, ErrorCode::kInput);
  return decoded.error().message;
}

// ---- wire bytes by hand (protobuf encoding: tag = field << 3 | type) -------------------------

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string Number(int field, std::uint64_t value) {
  return Varint(static_cast<std::uint64_t>(field) << 3) + Varint(value);
}

std::string Message(int field, const std::string& bytes) {
  return Varint(static_cast<std::uint64_t>(field) << 3 | 2) + Varint(bytes.size()) + bytes;
}

// What a writer of a later version might add to any message.
std::string FromTheFuture() { return Number(1000, 7) + Message(1001, "new"); }

TEST(RecordCodecTest, GivesBackEveryFieldAsItWas) {
  const ImageRecord record = FullRecord();
  const auto decoded = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, record);
}

TEST(RecordCodecTest, GivesBackAnEmptyRecordAsItWas) {
  const auto decoded = RecordCodec::Decode(RecordCodec::Encode(ImageRecord()), Zone::kRaw);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, ImageRecord());
}

TEST(RecordCodecTest, CarriesEveryValueOfTheClosedSets) {
  ImageRecord record;
  for (const Reason reason : kAllReasons) {
    for (const Disposition disposition : kAllDispositions) {
      record.history.emplace_back().reason = reason;
      record.history.back().disposition = disposition;
    }
  }
  for (const auto kind :
       {SourceKind::kFolder, SourceKind::kFeed, SourceKind::kUpload, SourceKind::kCamera}) {
    record.source.kind = kind;
    const auto decoded = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, record);
  }
}

TEST(RecordCodecTest, EncodesEqualRecordsToEqualBytes) {
  ImageRecord one = FullRecord();
  ImageRecord other = FullRecord();
  one.attributes.clear();
  other.attributes.clear();
  for (int i = 0; i < 100; ++i) {
    one.attributes.emplace("k" + std::to_string(i), "v");
    other.attributes.emplace("k" + std::to_string(99 - i), "v");
  }
  const std::string bytes = RecordCodec::Encode(one);
  EXPECT_EQ(bytes, RecordCodec::Encode(other));
  EXPECT_EQ(bytes, RecordCodec::Encode(*RecordCodec::Decode(bytes, Zone::kRaw)));
}

TEST(RecordCodecTest, ReplacesTextThatIsNotUtf8WhereTheWireDemandsText) {
  ImageRecord record;
  record.attributes = {{"\xFF", "caf\xE9"}};
  const auto decoded = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->attributes.at("\xEF\xBF\xBD"), "caf\xEF\xBF\xBD");
}

TEST(RecordCodecTest, LeavesOutOnlyThePayloadBytes) {
  const ImageRecord record = FullRecord();
  const std::string bytes = RecordCodec::EncodeWithoutPayload(record);
  EXPECT_EQ(bytes.find("pixels"), std::string::npos);
  auto decoded = RecordCodec::Decode(bytes, Zone::kRaw);
  ASSERT_TRUE(decoded) << decoded.error().message;
  const PayloadContent* content = ContentOf(decoded->payload);
  ASSERT_NE(content, nullptr);
  EXPECT_TRUE(content->bytes.empty());
  EXPECT_EQ(content->length(), 9u);
  EXPECT_EQ(content->media_type, "image/jpeg");
  EXPECT_EQ(content->sha256, ContentOf(record.payload)->sha256);
  EXPECT_EQ(RecordCodec::Encode(*decoded), bytes);
  decoded->payload = record.payload;
  EXPECT_EQ(*decoded, record);
}

TEST(RecordCodecTest, KeepsTheZoneOfThePayload) {
  const ImageRecord record = SafeRecord();
  const std::string bytes = RecordCodec::Encode(record);
  EXPECT_EQ(*RecordCodec::Decode(bytes, Zone::kSafe), record);
  EXPECT_TRUE(std::holds_alternative<RawPayload>(RecordCodec::Decode(bytes, Zone::kRaw)->payload));
}

TEST(RecordCodecTest, NeverMakesASafePayloadOfARawOne) {
  EXPECT_THAT(DecodeError(RecordCodec::Encode(FullRecord()), Zone::kSafe), HasSubstr("unredacted"));
  const auto refused =
      RecordCodec::Decode(RecordCodec::EncodeWithoutPayload(FullRecord()), Zone::kSafe);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_TRUE(std::holds_alternative<RawPayload>(refused->payload));
  // A writer that names no zone.
  const std::string unmarked = RecordCodec::Encode(ImageRecord()) +
                               Message(6, Message(1, "x") + Number(3, 1) +
                                              Message(4, std::string(32, '\0')));
  EXPECT_EQ(DecodeError(unmarked, Zone::kRaw), "");
  EXPECT_THAT(DecodeError(unmarked, Zone::kSafe), HasSubstr("unredacted"));
}

TEST(RecordCodecTest, PassesOnWhatAnOutlineLeavesOut) {
  const ImageRecord record = FullRecord();
  const auto outline = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw,
                                           Extent::kOutline);
  ASSERT_TRUE(outline) << outline.error().message;
  EXPECT_EQ(outline->id, record.id);
  EXPECT_EQ(outline->fingerprint, record.fingerprint);
  EXPECT_TRUE(outline->attributes.empty());
  EXPECT_TRUE(outline->annotations.empty());
  EXPECT_FALSE(outline->consent);
  EXPECT_FALSE(outline->redaction);
  EXPECT_TRUE(outline->history.empty());
  const auto again = RecordCodec::Decode(RecordCodec::Encode(*outline), Zone::kRaw);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
}

TEST(RecordCodecTest, PutsTheVerdictOnAnOutlineAfterThoseItCameWith) {
  ImageRecord record = FullRecord();
  auto outline = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw, Extent::kOutline);
  ASSERT_TRUE(outline) << outline.error().message;
  StageVerdict verdict;
  verdict.stage = "deduper";
  outline->history.push_back(verdict);
  record.history.push_back(verdict);
  const auto again = RecordCodec::Decode(RecordCodec::Encode(*outline), Zone::kRaw);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
  const auto refused = RecordCodec::Decode(RecordCodec::EncodeWithoutPayload(*outline), Zone::kRaw);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->history, record.history);
  EXPECT_TRUE(ContentOf(refused->payload)->bytes.empty());
}

TEST(RecordCodecTest, DecodesARecordWithALargePictureWhole) {
  ImageRecord record = FullRecord();
  record.payload = RawPayload{Content(std::string(100'000, 'x'))};
  const auto decoded =
      RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw, Extent::kOutline);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, record);
}

TEST(RecordCodecTest, RefusesTheSameTruncationsInOutline) {
  const std::string bytes = RecordCodec::Encode(FullRecord());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string_view cut = std::string_view(bytes).substr(0, size);
    if (!RecordCodec::Decode(cut, Zone::kRaw)) {
      EXPECT_FALSE(RecordCodec::Decode(cut, Zone::kRaw, Extent::kOutline)) << size;
    }
  }
}

// Field numbers of ImageRecord and of the messages within.
TEST(RecordCodecTest, KeepsFieldsOfANewerSchemaAtEveryLevel) {
  const std::string future = FromTheFuture();
  std::string bytes = RecordCodec::Encode(SafeRecord()) + future;
  for (const int single : {3, 6, 9, 16, 17, 18, 19, 20, 21}) bytes += Message(single, future);
  bytes += Message(8, future);
  bytes += Message(10, Number(2, 1) + future);
  bytes += Message(18, Message(1, future));

  const auto decoded = RecordCodec::Decode(bytes, Zone::kSafe);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->unknown_fields, future);
  EXPECT_EQ(decoded->source.unknown_fields, future);
  EXPECT_EQ(ContentOf(decoded->payload)->unknown_fields, future);
  EXPECT_EQ(decoded->annotations.back().unknown_fields, future);
  EXPECT_EQ(decoded->consent->unknown_fields, future);
  EXPECT_EQ(decoded->measurements->unknown_fields, future);
  EXPECT_EQ(decoded->fingerprint->unknown_fields, future);
  EXPECT_EQ(decoded->redaction->unknown_fields, future);
  EXPECT_EQ(decoded->redaction->regions.back().unknown_fields, future);
  EXPECT_EQ(decoded->duplicate->unknown_fields, future);
  EXPECT_EQ(decoded->selection->unknown_fields, future);
  EXPECT_EQ(decoded->placement->unknown_fields, future);
  EXPECT_EQ(decoded->history.back().unknown_fields, future);

  const auto again = RecordCodec::Decode(RecordCodec::Encode(*decoded), Zone::kSafe);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *decoded);

  const auto outline = RecordCodec::Decode(bytes, Zone::kSafe, Extent::kOutline);
  ASSERT_TRUE(outline) << outline.error().message;
  const auto passed_on = RecordCodec::Decode(RecordCodec::Encode(*outline), Zone::kSafe);
  ASSERT_TRUE(passed_on) << passed_on.error().message;
  EXPECT_EQ(*passed_on, *decoded);
}

TEST(RecordCodecTest, RefusesExtraFieldsInGeometryRatherThanLoseThem) {
  const std::string record = RecordCodec::Encode(ImageRecord());
  const std::string future = FromTheFuture();
  for (const std::string& annotation :
       {Message(2, future), Message(3, future), Message(3, Message(1, future)), Message(4, future),
        Message(5, future)}) {
    EXPECT_THAT(DecodeError(record + Message(8, annotation)), HasSubstr("do not exist"));
  }
}

TEST(RecordCodecTest, RefusesValuesOutsideTheClosedSetsAndNamesThem) {
  const std::string record = RecordCodec::Encode(ImageRecord());
  EXPECT_THAT(DecodeError(record + Message(3, Number(2, 99))), HasSubstr("source kind 99"));
  EXPECT_THAT(DecodeError(record + Number(11, 999)), HasSubstr("reason 999"));
  EXPECT_THAT(DecodeError(record + Message(10, Number(2, 1) + Number(3, 999))),
              HasSubstr("reason 999"));
  EXPECT_THAT(DecodeError(record + Message(10, Number(2, 17))), HasSubstr("disposition 17"));
  EXPECT_THAT(DecodeError(record + Message(10, "")), HasSubstr("disposition 0"));
  EXPECT_THAT(DecodeError(record + Message(16, Number(1, 42))), HasSubstr("image format 42"));
  EXPECT_THAT(DecodeError(record + Message(16, Number(13, 42))), HasSubstr("lighting 42"));
  EXPECT_THAT(DecodeError(record + Message(19, Number(5, 42))), HasSubstr("turn 42"));
  EXPECT_THAT(DecodeError(record + Message(6, Number(5, 9) + Message(4, std::string(32, 'x')))),
              HasSubstr("zone"));
}

TEST(RecordCodecTest, RefusesRecordsThatContradictThemselves) {
  const std::string record = RecordCodec::Encode(ImageRecord());
  EXPECT_THAT(DecodeError(""), HasSubstr("names no source"));
  EXPECT_THAT(DecodeError(record + Message(6, Message(4, "short"))), HasSubstr("SHA-256"));
  EXPECT_THAT(DecodeError(record + Message(6, Message(1, "xyz") + Number(3, 2) +
                                                  Message(4, std::string(32, 'x')))),
              HasSubstr("length"));
  EXPECT_THAT(DecodeError(record + Message(17, Message(1, std::string(32, 'x')) +
                                                   Message(3, std::string(32, 'x')))),
              HasSubstr("7 times 256 bits"));
  EXPECT_THAT(DecodeError(record + Message(17, Message(1, std::string(24, 'x')))),
              HasSubstr("256 bits"));
  const std::string odd_ring = Message(1, Message(1, std::string(8, '\0')));
  EXPECT_THAT(DecodeError(record + Message(8, Message(3, odd_ring))), HasSubstr("x without a y"));
  EXPECT_THAT(DecodeError(record + Message(1, "\xFF")), HasSubstr("not an image record"));
}

TEST(RecordCodecTest, SurvivesEveryTruncation) {
  const std::string bytes = RecordCodec::Encode(FullRecord()) + FromTheFuture();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto decoded = RecordCodec::Decode(std::string_view(bytes).substr(0, length), Zone::kRaw);
    EXPECT_TRUE(decoded || decoded.error().code == ErrorCode::kInput);
    if (!decoded) continue;
    EXPECT_TRUE(RecordCodec::Decode(RecordCodec::Encode(*decoded), Zone::kRaw));
  }
}

TEST(RecordCodecTest, SurvivesEveryFlippedByte) {
  const std::string original = RecordCodec::Encode(SafeRecord());
  for (std::size_t i = 0; i < original.size(); ++i) {
    for (const unsigned mask : {0x01u, 0x80u, 0xFFu}) {
      std::string bytes = original;
      bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ mask);
      const auto decoded = RecordCodec::Decode(bytes, Zone::kSafe);
      if (!decoded) continue;
      EXPECT_TRUE(RecordCodec::Decode(RecordCodec::Encode(*decoded), Zone::kSafe)) << i;
    }
  }
}

TEST(RecordCodecTest, SurvivesDeeplyNestedGroups) {
  std::string nested(100'000, static_cast<char>(0x0B + 0x10));  // start of group 3, over and over
  EXPECT_THAT(DecodeError(nested), HasSubstr("not an image record"));
}

}  // namespace
}  // namespace winnow::record
