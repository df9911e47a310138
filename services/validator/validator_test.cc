#include "services/validator/validator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/digest.h"
#include "libs/image/frame.h"
#include "libs/testing/images.h"
#include "libs/testing/stage_driver.h"

namespace winnow::validator {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using ::testing::HasSubstr;

ImageRecord RecordOf(std::string bytes) {
  ImageRecord record;
  record.id = RecordId("0123456789abcdef0123456789abcdef");
  record.payload = record::RawPayload{{SharedBytes(std::move(bytes)), "", {}}};
  return record;
}

class ValidatorTest : public ::testing::Test {
 protected:
  stream::Outcome Process(ImageRecord record) {
    testing::StageDriver driver([this] { return NewValidator(spec_); }, now_);
    Result<stream::Outcome> outcome = driver.Process(std::move(record));
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
    return std::move(*outcome);
  }

  static void ExpectRefused(const stream::Outcome& outcome, Reason reason) {
    EXPECT_EQ(outcome.disposition, Disposition::kRejected);
    EXPECT_EQ(outcome.reason, reason) << outcome.record.history.back().detail;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(outcome.record.payload));
    EXPECT_EQ(outcome.record.attachment, nullptr);
    ASSERT_EQ(outcome.record.history.size(), 1u);
    EXPECT_EQ(outcome.record.history[0].reason, reason);
    EXPECT_FALSE(outcome.record.history[0].detail.empty());
    EXPECT_TRUE(outcome.writes.empty());
  }

  Timestamp now_{std::chrono::hours(480'000)};
  spec::CollectionSpec spec_ = [] {
    spec::CollectionSpec spec;
    spec.digest = "0a1b";
    return spec;
  }();
};

TEST_F(ValidatorTest, ForwardsAGoodPictureWithFrameAndMeasures) {
  const stream::Outcome outcome = Process(RecordOf(testing::MakeJpeg()));
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded) << outcome.record.history[0].detail;
  EXPECT_EQ(outcome.reason, Reason::kNone);
  const auto* frame = dynamic_cast<const image::Frame*>(outcome.record.attachment.get());
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->pixels.width, 320u);
  ASSERT_TRUE(outcome.record.measurements);
  EXPECT_EQ(outcome.record.measurements->height, 240u);
  ASSERT_TRUE(outcome.record.fingerprint);
  EXPECT_GE(outcome.record.fingerprint->quality, 50);
}

TEST_F(ValidatorTest, FingerprintsThePictureInEveryTurnOnlyIfTheSpecComparesTurns) {
  const ImageRecord record = RecordOf(testing::MakeJpeg());
  EXPECT_TRUE(Process(record).record.fingerprint->turned.empty());
  constexpr std::size_t kTurned = record::kAllTurns.size() - 1;
  spec_.dedup.mirrored = true;
  EXPECT_EQ(Process(record).record.fingerprint->turned.size(), kTurned);
  spec_.dedup.mirrored = false;
  spec_.dedup.rotated = true;
  EXPECT_EQ(Process(record).record.fingerprint->turned.size(), kTurned);
}

TEST_F(ValidatorTest, SaysWhoWhenAndUnderWhichSpec) {
  const stream::Outcome outcome = Process(RecordOf(testing::MakeJpeg()));
  const record::StageVerdict& verdict = outcome.record.history.at(0);
  EXPECT_EQ(verdict.stage, "validator");
  EXPECT_EQ(verdict.time, now_);
  EXPECT_EQ(verdict.spec_digest, "0a1b");
  EXPECT_EQ(verdict.thresholds.at("min_sharpness"), spec_.validate.min_sharpness);
  EXPECT_EQ(verdict.scores.at("sharpness"), outcome.record.measurements->sharpness);
  EXPECT_EQ(verdict.scores.count("bytes"), 1u);
}

TEST_F(ValidatorTest, CompletesDigestAndMediaTypeFromTheContent) {
  const std::string png = testing::MakePng();
  const stream::Outcome outcome = Process(RecordOf(png));
  const record::PayloadContent* content = record::ContentOf(outcome.record.payload);
  ASSERT_NE(content, nullptr);
  EXPECT_EQ(content->media_type, "image/png");
  EXPECT_EQ(content->sha256, Sha256(png));
}

TEST_F(ValidatorTest, KeepsADigestThatIsThere) {
  ImageRecord record = RecordOf(testing::MakeJpeg());
  std::get<record::RawPayload>(record.payload).content.sha256[0] = 7;
  const stream::Outcome outcome = Process(record);
  Sha256Digest expected{};
  expected[0] = 7;
  EXPECT_EQ(record::ContentOf(outcome.record.payload)->sha256, expected);
}

TEST_F(ValidatorTest, TurnsEverySourceFaultIntoTheVerdict) {
  for (const Reason fault : {Reason::kUnreadable, Reason::kEmptyFile, Reason::kTooManyBytes,
                             Reason::kAnnotationUnreadable}) {
    ImageRecord record = RecordOf(testing::MakeJpeg());
    record.source_fault = fault;
    record.source_fault_detail = "labels.json:3: expected a comma";
    const stream::Outcome outcome = Process(record);
    ExpectRefused(outcome, fault);
    EXPECT_EQ(outcome.record.history[0].detail, "labels.json:3: expected a comma");
  }
}

TEST_F(ValidatorTest, RefusesARecordWithoutPayload) {
  ImageRecord record;
  ExpectRefused(Process(record), Reason::kUnreadable);
}

TEST_F(ValidatorTest, RefusesAnEmptyFile) {
  ExpectRefused(Process(RecordOf("")), Reason::kEmptyFile);
}

TEST_F(ValidatorTest, RefusesWhatIsNoPicture) {
  ExpectRefused(Process(RecordOf("<html>not found</html>")), Reason::kUnsupportedFormat);
}

TEST_F(ValidatorTest, RefusesACutFile) {
  const std::string jpeg = testing::MakeJpeg();
  ExpectRefused(Process(RecordOf(jpeg.substr(0, jpeg.size() / 2))), Reason::kTruncated);
}

TEST_F(ValidatorTest, DecodesUnderTheSpecsLimits) {
  spec_.validate.max_pixels = 320 * 240 - 1;
  ExpectRefused(Process(RecordOf(testing::MakeJpeg())), Reason::kTooManyPixels);
  spec_.validate.max_bytes = 100;
  ExpectRefused(Process(RecordOf(testing::MakeJpeg())), Reason::kTooManyBytes);
}

TEST_F(ValidatorTest, KeepsTheMeasuresOfARefusedPicture) {
  testing::MakeImageOptions options;
  options.blur = 8;
  const stream::Outcome outcome = Process(RecordOf(testing::MakeJpeg(options)));
  ExpectRefused(outcome, Reason::kBlurry);
  ASSERT_TRUE(outcome.record.measurements);
  EXPECT_LT(outcome.record.measurements->sharpness, spec_.validate.min_sharpness);
  EXPECT_TRUE(outcome.record.fingerprint);
}

TEST_F(ValidatorTest, RefusesADarkPicture) {
  testing::MakeImageOptions options;
  options.brightness = 0.1;
  ExpectRefused(Process(RecordOf(testing::MakeJpeg(options))), Reason::kTooDark);
}

TEST_F(ValidatorTest, RefusesASmallPicture) {
  testing::MakeImageOptions options;
  options.width = 160;
  options.height = 120;
  ExpectRefused(Process(RecordOf(testing::MakeJpeg(options))), Reason::kTooSmall);
}

TEST_F(ValidatorTest, PutsMissingConsentBeforeBlur) {
  spec_.validate.required_consent_purpose = "train";
  testing::MakeImageOptions options;
  options.blur = 8;
  const stream::Outcome outcome = Process(RecordOf(testing::MakeJpeg(options)));
  ExpectRefused(outcome, Reason::kConsentMissing);
  EXPECT_EQ(outcome.record.history[0].scores.count("sharpness"), 1u);
}

TEST_F(ValidatorTest, JudgesExpiryByTheTimeOfTheRun) {
  spec_.validate.required_consent_purpose = "train";
  ImageRecord record = RecordOf(testing::MakeJpeg());
  record.consent = record::Consent{};
  record.consent->basis = "contract";
  record.consent->purposes = {"train"};
  record.consent->expires_at = now_ + std::chrono::seconds(1);
  EXPECT_EQ(Process(record).disposition, Disposition::kForwarded);
  record.consent->expires_at = now_ - std::chrono::seconds(1);
  ExpectRefused(Process(record), Reason::kConsentExpired);
}

TEST_F(ValidatorTest, ChecksLabelsAgainstStoredSizeAndOntology) {
  spec_.objective.classes = {"car"};
  testing::MakeImageOptions options;
  options.orientation = 6;  // shown as 240x320
  ImageRecord record = RecordOf(testing::MakeJpeg(options));
  record.annotations.resize(1);
  record.annotations[0].label = "car";
  record.annotations[0].box = record::Box{200, 100, 120.5, 140};
  const stream::Outcome outcome = Process(record);
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded) << outcome.record.history[0].detail;
  EXPECT_EQ(outcome.record.annotations[0].box, (record::Box{200, 100, 120, 140}));

  record.annotations[0].box = record::Box{100, 200, 100, 100};
  ExpectRefused(Process(record), Reason::kAnnotationInvalid);
  record.annotations[0].box.reset();
  record.annotations[0].label = "tram";
  const stream::Outcome unknown = Process(record);
  ExpectRefused(unknown, Reason::kUnknownLabel);
  EXPECT_THAT(unknown.record.history[0].detail, HasSubstr("tram"));
}

TEST_F(ValidatorTest, GivesTheSameOutcomeTwice) {
  const ImageRecord record = RecordOf(testing::MakeJpeg());
  EXPECT_EQ(Process(record).record, Process(record).record);
}

TEST_F(ValidatorTest, MayRunInAnyOrder) {
  EXPECT_EQ(NewValidator(spec_)->scope(), stream::OrderingScope::kNone);
  EXPECT_EQ(NewValidator(spec_)->name(), "validator");
}

}  // namespace
}  // namespace winnow::validator
