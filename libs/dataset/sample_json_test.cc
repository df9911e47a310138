#include "libs/dataset/sample_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "libs/testing/safe_payload.h"

namespace winnow::dataset {
namespace {

using Json = nlohmann::json;

record::ImageRecord FullRecord() {
  record::ImageRecord r;
  r.id = RecordId("00112233445566778899aabbccddeeff");
  r.collection = CollectionId("street");
  r.source = {SourceId("cam-7"), record::SourceKind::kCamera, "north gate", "2026/1.jpg", ""};
  r.captured_at = Timestamp(std::chrono::milliseconds(1'772'366'400'250));
  r.ingested_at = Timestamp(std::chrono::hours(490'000));
  r.payload = record::SafePayloadForTesting::Make("jpeg bytes");
  r.attributes = {{"weather", "rain"}};
  r.measurements = record::Measurements{};
  r.measurements->format = record::ImageFormat::kJpeg;
  r.measurements->width = 640;
  r.measurements->height = 480;
  r.measurements->sharpness = 0.1;
  r.fingerprint = record::Fingerprint{{1, 2, 3, 0xf000000000000000u}, 88};
  r.redaction = record::Redaction{};
  r.redaction->regions = {{{1, 2, 30, 40}, "face", 0.9, ""}};
  r.redaction->stripped = {"gps"};
  r.duplicate = record::Duplicate{};
  r.duplicate->cluster = r.id;
  r.selection = record::Selection{{"lighting=dark"}, true};
  r.placement = record::Placement{"train", "", "key", ""};
  record::StageVerdict verdict;
  verdict.stage = "privacy-blurrer";
  verdict.scores = {{"faces", 1}};
  verdict.model_digest = "abcd";
  verdict.time = Timestamp(std::chrono::hours(490'000));
  r.history = {verdict};
  return r;
}

TEST(SampleJsonTest, TellsWhatTheStagesFound) {
  const Json json = Json::parse(SampleJson(FullRecord()));
  EXPECT_EQ(json["id"], "00112233445566778899aabbccddeeff");
  EXPECT_EQ(json["source"]["kind"], "camera");
  EXPECT_EQ(json["captured_at"], "2026-03-01T12:00:00.250Z");
  EXPECT_EQ(json["width"], 640);
  EXPECT_EQ(json["format"], "jpeg");
  EXPECT_EQ(json["measurements"]["sharpness"], 0.1);
  EXPECT_EQ(json["fingerprint"]["pdq"],
            "f000000000000000000000000000000300000000000000020000000000000001");
  EXPECT_EQ(json["redaction"]["regions"][0]["bbox"], Json::parse("[1.0,2.0,30.0,40.0]"));
  EXPECT_EQ(json["redaction"]["model_digest"], "abcd");
  EXPECT_EQ(json["selection"]["strata"][0], "lighting=dark");
  EXPECT_EQ(json["split"], "train");
  EXPECT_EQ(json["history"][0]["stage"], "privacy-blurrer");
  EXPECT_EQ(json["history"][0]["verdict"], "forwarded");
  EXPECT_EQ(json["sha256"], ToHex(Sha256("jpeg bytes")));
}

TEST(SampleJsonTest, DoesNotDependOnTheTimeOfTheRunOrTheShard) {
  const std::string text = SampleJson(FullRecord());
  auto later = FullRecord();
  later.ingested_at += std::chrono::hours(5);
  later.history[0].time += std::chrono::hours(5);
  later.placement->shard = "street-train-000003.tar";
  EXPECT_EQ(SampleJson(later), text);
}

TEST(SampleJsonTest, WritesAnnotationsInCocoTerms) {
  auto r = FullRecord();
  record::Annotation object;
  object.label = "car";
  object.box = record::Box{10, 20.5, 30, 40};
  object.polygons = record::Polygons{{{{0, 0}, {4, 0}, {4, 3}}}};
  object.mask = record::MaskRle{4, 3, {2, 5, 5}};
  object.keypoints = {{{1, 2}, 2}, {{0, 0}, 0}};
  object.attributes = {{"occluded", "no"}};
  record::Annotation masked;
  masked.label = "sign";
  masked.mask = record::MaskRle{4, 3, {12}};
  record::Annotation tag;
  tag.label = "rainy";
  r.annotations = {object, masked, tag};
  const Json json = Json::parse(SampleJson(r));
  EXPECT_EQ(json["annotations"], Json::parse(R"([
    {"label": "car", "bbox": [10.0, 20.5, 30.0, 40.0],
     "segmentation": [[0.0, 0.0, 4.0, 0.0, 4.0, 3.0]],
     "rle": {"size": [3, 4], "counts": [2, 5, 5]},
     "keypoints": [1.0, 2.0, 2, 0.0, 0.0, 0], "num_keypoints": 1,
     "attributes": {"occluded": "no"}},
    {"label": "sign", "segmentation": {"size": [3, 4], "counts": [12]}}])"));
  EXPECT_EQ(json["tags"], Json::parse(R"(["rainy"])"));
}

TEST(SampleJsonTest, StaysValidWhateverNamesAndNumbersItIsGiven) {
  auto r = FullRecord();
  r.source.path = "a\xff\xfe/\"quoted\"\n\x01.jpg";
  r.attributes = {{"bad\xc3", "\xe2\x82"}};
  r.measurements->sharpness = std::numeric_limits<double>::quiet_NaN();
  r.measurements->contrast = std::numeric_limits<double>::infinity();
  const std::string text = SampleJson(r);
  const Json json = Json::parse(text);
  EXPECT_EQ(json["source"]["path"], "a\xEF\xBF\xBD\xEF\xBF\xBD/\"quoted\"\n\x01.jpg");
  EXPECT_TRUE(json["measurements"]["sharpness"].is_null());
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(SampleJsonTest, KeepsPseudonymsOfPeopleOutOfTheDataset) {
  auto r = FullRecord();
  r.consent = record::Consent{"consent", {"subject-41"}, {"train"}, "EU", Timestamp{}, ""};
  const std::string text = SampleJson(r);
  EXPECT_EQ(text.find("subject-41"), std::string::npos);
  EXPECT_EQ(Json::parse(text)["consent"]["purposes"][0], "train");
}

TEST(RejectedJsonTest, SaysWhoRefusedTheImageAndWhy) {
  auto r = FullRecord();
  record::StageVerdict verdict;
  verdict.stage = "deduper";
  verdict.disposition = record::Disposition::kRejected;
  verdict.reason = record::Reason::kNearDuplicate;
  verdict.detail = "distance 12 is not above 31";
  verdict.scores = {{"distance", 12}};
  verdict.thresholds = {{"max_distance", 31}};
  r.history.push_back(verdict);
  r.duplicate->of = RecordId("first");
  r.duplicate->distance = 12;
  const Json json = Json::parse(RejectedJson(r));
  EXPECT_FALSE(json["duplicate"].contains("replaces"));
  EXPECT_EQ(json["stage"], "deduper");
  EXPECT_EQ(json["verdict"], "rejected");
  EXPECT_EQ(json["reason"], "near_duplicate");
  EXPECT_EQ(json["scores"]["distance"], 12.0);
  EXPECT_EQ(json["thresholds"]["max_distance"], 31.0);
  EXPECT_EQ(json["duplicate"]["of"], "first");
  EXPECT_EQ(json["history"].size(), 2u);
  EXPECT_EQ(json["source"]["path"], "2026/1.jpg");
}

TEST(SampleJsonTest, NamesTheCopiesWhosePlaceItTook) {
  record::ImageRecord r = FullRecord();
  r.duplicate->replaces = {RecordId("worse"), RecordId("worst")};
  const Json json = Json::parse(SampleJson(r));
  EXPECT_EQ(json["duplicate"]["replaces"], Json({"worse", "worst"}));
}

TEST(SampleKeyTest, IsTheIdWhereThatIsSafeAndADigestElsewhere) {
  EXPECT_EQ(SampleKey(RecordId("00ff")), "00ff");
  for (const std::string id : {"", "a.b", "../x", "a/b", "\xff"}) {
    EXPECT_EQ(SampleKey(RecordId(id)).size(), 32u) << id;
    EXPECT_EQ(SampleKey(RecordId(id)).find_first_not_of("0123456789abcdef"), std::string::npos);
  }
  EXPECT_EQ(SampleKey(RecordId(std::string(65, 'a'))).size(), 32u);
  EXPECT_NE(SampleKey(RecordId("a.b")), SampleKey(RecordId("a.c")));
}

}  // namespace
}  // namespace winnow::dataset
