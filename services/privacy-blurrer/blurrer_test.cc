#include "services/privacy-blurrer/blurrer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <deque>
#include <utility>

#include "libs/base/digest.h"
#include "libs/detect/drawn_face.h"
#include "libs/detect/model.h"
#include "libs/testing/images.h"
#include "libs/testing/safe_payload.h"

namespace winnow::privacy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using detect::Detection;
using record::Disposition;
using record::Reason;
using Detections = std::vector<Detection>;
using testing::MakeImageOptions;

constexpr Timestamp kNow = Timestamp(std::chrono::hours(480'000));

class NoState : public stream::StateView {
 public:
  Result<std::optional<std::string>> Get(std::string_view) const override { return std::nullopt; }
  Status Scan(std::string_view,
              const std::function<bool(std::string_view, std::string_view)>&) const override {
    return {};
  }
};

// What the detector was asked and what it will answer; nothing found once the script is over.
struct Script {
  std::deque<Result<Detections>> answers;
  std::vector<image::Pixels> seen;
  std::vector<double> thresholds;
};

class ScriptedDetector : public detect::Detector {
 public:
  explicit ScriptedDetector(Script& script) : script_(script) {}
  Result<Detections> Detect(const image::Pixels& upright, double threshold) override {
    script_.seen.push_back(upright);
    script_.thresholds.push_back(threshold);
    if (script_.answers.empty()) return Detections();
    auto answer = std::move(script_.answers.front());
    script_.answers.pop_front();
    return answer;
  }
  std::string_view kind() const override { return "face"; }
  const std::string& model_name() const override { return name_; }
  const std::string& model_digest() const override { return digest_; }

 private:
  Script& script_;
  std::string name_ = "scripted";
  std::string digest_ = "digest-of-the-model";
};

// From the start of the first scan: what must not change in an untouched JPEG.
std::string CodedPicture(std::string_view jpeg) {
  return std::string(jpeg.substr(jpeg.find("\xFF\xDA")));
}

class BlurrerTest : public ::testing::Test {
 protected:
  BlurrerTest() {
    spec_.digest = "digest-of-the-spec";
    spec_.privacy.grow = 0;
    spec_.privacy.face_threshold = 0.2;
    spec_.privacy.residual_threshold = 0.6;
  }

  static record::ImageRecord RecordOf(std::string bytes) {
    record::ImageRecord record;
    record.id = RecordId("one");
    record::PayloadContent content;
    content.sha256 = Sha256(bytes);
    content.bytes = SharedBytes(std::move(bytes));
    record.payload = record::RawPayload{std::move(content)};
    return record;
  }

  static std::shared_ptr<const image::Frame> Decoded(std::string_view bytes) {
    auto decoded = image::Decode(bytes, {});
    EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
    return decoded.frame;
  }

  static std::string_view BytesOf(const record::ImageRecord& record) {
    const auto* content = record::ContentOf(record.payload);
    return content == nullptr ? std::string_view() : content->bytes.view();
  }

  Result<stream::Outcome> Run(record::ImageRecord record) {
    Blurrer blurrer(spec_, std::make_unique<ScriptedDetector>(script_));
    return blurrer.Process(std::move(record), NoState(), kNow);
  }

  stream::Outcome Blur(record::ImageRecord record) {
    auto outcome = Run(std::move(record));
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? std::move(*outcome) : stream::Outcome();
  }

  // No pixels leave with a record that is not forwarded.
  static void ExpectRefused(const stream::Outcome& outcome, Disposition disposition,
                            Reason reason) {
    EXPECT_EQ(outcome.disposition, disposition);
    EXPECT_EQ(outcome.reason, reason);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(outcome.record.payload));
    EXPECT_EQ(outcome.record.attachment, nullptr);
    ASSERT_THAT(outcome.record.history, SizeIs(1));
    EXPECT_EQ(outcome.record.history[0].reason, reason);
    EXPECT_THAT(outcome.record.history[0].detail, Not(IsEmpty()));
  }

  spec::CollectionSpec spec_;
  Script script_;
};

TEST_F(BlurrerTest, ForwardsAPictureWithoutFacesWithItsCodedPictureBitExact) {
  const std::string jpeg = testing::MakeJpeg({.progressive = true});
  const stream::Outcome outcome = Blur(RecordOf(jpeg));
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  ASSERT_TRUE(std::holds_alternative<record::SafePayload>(outcome.record.payload));
  EXPECT_EQ(CodedPicture(BytesOf(outcome.record)), CodedPicture(jpeg));
  EXPECT_TRUE(outcome.record.redaction->pixels_untouched);
  EXPECT_THAT(outcome.record.redaction->regions, IsEmpty());
  EXPECT_EQ(outcome.record.redaction->area_ratio, 0);
}

TEST_F(BlurrerTest, LooksOnceWhereNothingWasFoundAndTwiceWhereSomethingWas) {
  Blur(RecordOf(testing::MakeJpeg()));
  EXPECT_THAT(script_.seen, SizeIs(1));
  script_ = {};
  script_.answers = {Detections{{{32, 32, 32, 32}, 0.9}}};
  Blur(RecordOf(testing::MakeJpeg()));
  EXPECT_THAT(script_.seen, SizeIs(2));
  EXPECT_THAT(script_.thresholds, ElementsAre(0.2, 0.2));
}

TEST_F(BlurrerTest, DestroysAFaceAndNothingElse) {
  script_.answers = {Detections{{{64, 32, 64, 64}, 0.9}}};
  const std::string png = testing::MakePng();
  const stream::Outcome outcome = Blur(RecordOf(png));
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  const auto before = Decoded(png);
  const auto after = Decoded(BytesOf(outcome.record));
  std::size_t changed_inside = 0;
  std::size_t changed_outside = 0;
  for (std::size_t i = 0; i < before->pixels.bgr.size(); ++i) {
    const std::size_t x = i / 3 % before->pixels.width;
    const std::size_t y = i / 3 / before->pixels.width;
    const bool inside = x >= 64 && x < 128 && y >= 32 && y < 96;
    if (before->pixels.bgr[i] == after->pixels.bgr[i]) continue;
    ++(inside ? changed_inside : changed_outside);
  }
  EXPECT_GT(changed_inside, 64U * 64);
  EXPECT_EQ(changed_outside, 0U);
}

TEST_F(BlurrerTest, SaysWhatItDidAndFromWhichFigures) {
  script_.answers = {Detections{{{64, 32, 64, 64}, 0.9}}, Detections{{{64, 32, 64, 64}, 0.25}}};
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeJpeg()));
  const record::PayloadContent& content = *record::ContentOf(outcome.record.payload);
  EXPECT_EQ(content.media_type, "image/jpeg");
  EXPECT_EQ(content.sha256, Sha256(content.bytes.view()));
  const record::Redaction& redaction = *outcome.record.redaction;
  ASSERT_THAT(redaction.regions, SizeIs(1));
  EXPECT_EQ(redaction.regions[0].box, (record::Box{64, 32, 64, 64}));
  EXPECT_EQ(redaction.regions[0].kind, "face");
  EXPECT_EQ(redaction.regions[0].score, 0.9);
  EXPECT_DOUBLE_EQ(redaction.area_ratio, 64.0 * 64 / (320 * 240));
  EXPECT_EQ(redaction.residual_score, 0.25);
  EXPECT_FALSE(redaction.pixels_untouched);
  ASSERT_THAT(outcome.record.history, SizeIs(1));
  const record::StageVerdict& verdict = outcome.record.history[0];
  EXPECT_EQ(verdict.stage, "privacy-blurrer");
  EXPECT_EQ(verdict.model_digest, "digest-of-the-model");
  EXPECT_EQ(verdict.spec_digest, "digest-of-the-spec");
  EXPECT_EQ(verdict.time, kNow);
  EXPECT_EQ(verdict.scores.at("faces"), 1);
  EXPECT_EQ(verdict.scores.at("face"), 0.9);
  EXPECT_EQ(verdict.scores.at("residual"), 0.25);
  EXPECT_EQ(verdict.thresholds.at("face"), 0.2);
  EXPECT_EQ(verdict.thresholds.at("residual"), 0.6);
}

TEST_F(BlurrerTest, SearchesARotatedPictureUprightAndRedactsItAsStored) {
  script_.answers = {Detections{{{16, 240, 48, 64}, 0.9}}};
  const std::string jpeg = testing::MakeJpeg({.orientation = 6});
  const stream::Outcome outcome = Blur(RecordOf(jpeg));
  ASSERT_THAT(script_.seen, SizeIs(2));
  for (const image::Pixels& seen : script_.seen) {
    EXPECT_EQ(seen.width, 240U);
    EXPECT_EQ(seen.height, 320U);
  }
  ASSERT_THAT(outcome.record.redaction->regions, SizeIs(1));
  EXPECT_EQ(outcome.record.redaction->regions[0].box, (record::Box{240, 176, 64, 48}));
  const auto after = Decoded(BytesOf(outcome.record));
  EXPECT_EQ(after->orientation, 6);
  const auto pixel = [](const image::Frame& frame, std::size_t x, std::size_t y) {
    return frame.pixels.bgr[3 * (y * frame.pixels.width + x)];
  };
  // Within one cell of the mosaic all is alike.
  EXPECT_NEAR(pixel(*after, 242, 178), pixel(*after, 250, 186), 2);
}

TEST_F(BlurrerTest, RedactsAResidualFaceOnceMoreFromTheOriginal) {
  script_.answers = {Detections{{{64, 64, 64, 64}, 0.9}}, Detections{{{48, 48, 96, 96}, 0.7}},
                     Detections{{{48, 48, 96, 96}, 0.3}}};
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeJpeg()));
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_THAT(script_.seen, SizeIs(3));
  ASSERT_THAT(outcome.record.redaction->regions, SizeIs(1));
  EXPECT_EQ(outcome.record.redaction->regions[0].box, (record::Box{48, 48, 96, 96}));
  EXPECT_EQ(outcome.record.redaction->residual_score, 0.3);
  EXPECT_NE(script_.seen[1].bgr, script_.seen[2].bgr);
}

TEST_F(BlurrerTest, SendsAFaceThatStaysToReview) {
  const Detections face = {{{64, 64, 64, 64}, 0.9}};
  script_.answers = {face, face, face};
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeJpeg()));
  ExpectRefused(outcome, Disposition::kReview, Reason::kResidualFace);
  EXPECT_EQ(outcome.record.redaction->residual_score, 0.9);
  EXPECT_THAT(script_.seen, SizeIs(3));
}

TEST_F(BlurrerTest, RejectsAPictureOfWhichTooLittleIsLeft) {
  script_.answers = {Detections{{{0, 0, 320, 200}, 0.9}}};
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeJpeg()));
  ExpectRefused(outcome, Disposition::kRejected, Reason::kMostlyRedacted);
  EXPECT_DOUBLE_EQ(outcome.record.redaction->area_ratio, 200.0 / 240);
  EXPECT_THAT(script_.seen, SizeIs(1));
}

TEST_F(BlurrerTest, RejectsAPictureOfWhichTooLittleIsLeftAfterTheSecondRedaction) {
  script_.answers = {Detections{{{64, 64, 64, 64}, 0.9}}, Detections{{{0, 0, 320, 200}, 0.9}}};
  ExpectRefused(Blur(RecordOf(testing::MakeJpeg())), Disposition::kRejected,
                Reason::kMostlyRedacted);
}

TEST_F(BlurrerTest, SendsToReviewWhatItCannotDecode) {
  ExpectRefused(Blur(RecordOf("no picture")), Disposition::kReview, Reason::kUnredactable);
  EXPECT_THAT(script_.seen, IsEmpty());
}

TEST_F(BlurrerTest, SendsToReviewWhatItCannotRewrite) {
  // Decoded once, but the bytes are no longer a file of that picture.
  record::ImageRecord record = RecordOf(testing::MakeJpeg().substr(0, 200));
  record.attachment = Decoded(testing::MakeJpeg());
  script_.answers = {Detections{{{64, 64, 64, 64}, 0.9}}};
  ExpectRefused(Blur(std::move(record)), Disposition::kReview, Reason::kUnredactable);
}

TEST_F(BlurrerTest, PassesNothingWhenTheDetectorFails) {
  script_.answers = {BugError("out of order")};
  EXPECT_EQ(Run(RecordOf(testing::MakeJpeg())).error().message, "out of order");
  script_.answers = {Detections{{{64, 64, 64, 64}, 0.9}}, BugError("the second look")};
  EXPECT_EQ(Run(RecordOf(testing::MakeJpeg())).error().message, "the second look");
}

TEST_F(BlurrerTest, GivesTheSameOutcomeWithAndWithoutTheValidatorsFrame) {
  const std::string jpeg = testing::MakeJpeg({.orientation = 8, .private_metadata = true});
  const std::deque<Result<Detections>> answers = {Detections{{{20, 30, 64, 64}, 0.9}},
                                                  Detections{{{20, 30, 64, 64}, 0.7}}};
  script_.answers = answers;
  const stream::Outcome without = Blur(RecordOf(jpeg));
  script_.answers = answers;
  record::ImageRecord record = RecordOf(jpeg);
  record.attachment = Decoded(jpeg);
  const stream::Outcome with = Blur(std::move(record));
  EXPECT_EQ(with.disposition, without.disposition);
  EXPECT_TRUE(with.record == without.record);
  EXPECT_EQ(with.record.attachment, nullptr);
}

TEST_F(BlurrerTest, GivesTheSameOutcomeTwice) {
  Blurrer blurrer(spec_, std::make_unique<ScriptedDetector>(script_));
  const Detections face = {{{64, 64, 64, 64}, 0.9}};
  script_.answers = {face, Detections(), face, Detections()};
  const auto first = blurrer.Process(RecordOf(testing::MakeWebp()), NoState(), kNow);
  const auto second = blurrer.Process(RecordOf(testing::MakeWebp()), NoState(), kNow);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->record == second->record);
}

TEST_F(BlurrerTest, StripsWhatTellsAboutPeople) {
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeJpeg({.private_metadata = true})));
  EXPECT_EQ(BytesOf(outcome.record).find(testing::kSecret), std::string_view::npos);
  EXPECT_THAT(outcome.record.redaction->stripped, Contains("gps"));
  EXPECT_THAT(outcome.record.redaction->stripped, Contains("thumbnail"));
}

TEST_F(BlurrerTest, NamesTheMediaTypeOfWhatItWrote) {
  const stream::Outcome outcome = Blur(RecordOf(testing::MakeBmp()));
  EXPECT_EQ(record::ContentOf(outcome.record.payload)->media_type, "image/png");
  EXPECT_FALSE(outcome.record.redaction->pixels_untouched);
}

TEST_F(BlurrerTest, MarksTheLabelsItHid) {
  script_.answers = {Detections{{{64, 64, 64, 64}, 0.9}}};
  record::ImageRecord record = RecordOf(testing::MakeJpeg());
  record.annotations.resize(2);
  record.annotations[0].box = record::Box{70, 70, 40, 40};
  record.annotations[1].box = record::Box{0, 0, 320, 240};
  const stream::Outcome outcome = Blur(std::move(record));
  ASSERT_THAT(outcome.record.annotations, SizeIs(2));
  EXPECT_EQ(outcome.record.annotations[0].attributes.at("redacted"), "true");
  EXPECT_THAT(outcome.record.annotations[1].attributes, IsEmpty());
}

TEST_F(BlurrerTest, TakesOnlyRawPayloads) {
  EXPECT_EQ(Run(record::ImageRecord()).error().code, ErrorCode::kInput);
  record::ImageRecord record;
  record.payload = record::SafePayloadForTesting::Make(testing::MakeJpeg());
  EXPECT_EQ(Run(std::move(record)).error().code, ErrorCode::kInput);
}

TEST_F(BlurrerTest, OnlyStripsMetadataWhereTheSpecAllowsFaces) {
  spec_.privacy.faces = false;
  Blurrer blurrer(spec_, nullptr);
  const std::string jpeg = testing::MakeJpeg({.private_metadata = true});
  const auto outcome = blurrer.Process(RecordOf(jpeg), NoState(), kNow);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->disposition, Disposition::kForwarded);
  EXPECT_EQ(BytesOf(outcome->record).find(testing::kSecret), std::string_view::npos);
  EXPECT_THAT(outcome->record.history[0].model_digest, IsEmpty());
}

using BlurrerDeathTest = BlurrerTest;

TEST_F(BlurrerDeathTest, CannotExistWithoutADetectorWhereFacesMustGo) {
  EXPECT_DEATH(Blurrer(spec_, nullptr), "face_detector_");
}

// ---- with the real model --------------------------------------------------------------------

// 24-bit, bottom up: the simplest file that holds given pixels.
std::string BmpOf(const image::Pixels& pixels) {
  std::string bytes = "BM";
  const auto put = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  };
  const std::uint32_t row = (pixels.width * 3 + 3) / 4 * 4;
  for (const std::uint32_t value : {54 + row * pixels.height, 0U, 54U, 40U, pixels.width,
                                    pixels.height}) {
    put(value, 4);
  }
  put(1, 2);
  put(24, 2);
  for (int i = 0; i < 6; ++i) put(0, 4);
  for (std::uint32_t y = pixels.height; y-- > 0;) {
    const auto* from = &pixels.bgr[std::size_t{3} * y * pixels.width];
    bytes.append(from, from + std::size_t{3} * pixels.width);
    bytes.append(row - pixels.width * 3, '\0');
  }
  return bytes;
}

TEST(BlurrerWithModelTest, HidesADrawnFaceFromTheDetector) {
  const char* directory = std::getenv("WINNOW_MODEL_DIR");
  if (directory == nullptr) GTEST_SKIP() << "WINNOW_MODEL_DIR is not set: model not installed";
  spec::CollectionSpec spec;
  auto detector = detect::LoadDetector(spec.privacy.face_model, directory);
  ASSERT_TRUE(detector) << detector.error().message;
  Blurrer blurrer(spec, std::move(*detector));
  for (const double size : {30, 90, 200}) {
    image::Pixels picture{400, 300, std::vector<std::uint8_t>(std::size_t{3} * 400 * 300, 120)};
    detect::DrawFace(picture, 190, 140, size);
    record::ImageRecord record;
    record.payload = record::RawPayload{{SharedBytes(BmpOf(picture)), "", {}}};
    const auto outcome = blurrer.Process(std::move(record), NoState(), kNow);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->disposition, Disposition::kForwarded) << size;
    const record::Redaction& redaction = *outcome->record.redaction;
    ASSERT_THAT(redaction.regions, SizeIs(1)) << size;
    EXPECT_EQ(CoveredArea(redaction.regions, {190 - size / 4, 140 - size / 4, size / 2, size / 2}),
              size / 2 * size / 2);
    EXPECT_LT(redaction.residual_score, spec.privacy.residual_threshold);
  }
}

}  // namespace
}  // namespace winnow::privacy
