#include "services/validator/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

namespace winnow::validator {
namespace {

using record::Measurements;
using record::Reason;
using spec::ValidateRules;

constexpr Timestamp kNow(std::chrono::hours(480'000));

// Passes every rule of DefaultRules with room on both sides.
Measurements Fine() {
  Measurements measured;
  measured.width = 640;
  measured.height = 480;
  measured.sharpness = 0.7;
  measured.brightness_p5 = 0.2;
  measured.brightness_p99 = 0.9;
  measured.noise_sigma = 1;
  measured.entropy_bits = 7;
  measured.blockiness = 0.3;
  return measured;
}

ValidateRules Rules() {
  ValidateRules rules;
  rules.min_side = 200;
  rules.max_aspect_ratio = 3;
  rules.min_brightness = 0.37;
  rules.max_brightness = 0.95;
  rules.min_sharpness = 0.4;
  rules.max_noise = 10;
  rules.min_entropy = 2;
  rules.max_blockiness = 0.75;
  return rules;
}

struct PictureCase {
  const char* name;
  std::function<void(Measurements&)> change;
  Reason expected;
};

class JudgePictureTest : public ::testing::TestWithParam<PictureCase> {};

TEST_P(JudgePictureTest, GivesTheReason) {
  Measurements measured = Fine();
  GetParam().change(measured);
  const Judgement judgement = JudgePicture(measured, Rules());
  EXPECT_EQ(judgement.finding.reason, GetParam().expected) << judgement.finding.detail;
  EXPECT_EQ(judgement.finding.detail.empty(), GetParam().expected == Reason::kNone);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, JudgePictureTest,
    ::testing::Values(
        PictureCase{"Fine", [](Measurements&) {}, Reason::kNone},
        PictureCase{"SideAtLimit", [](Measurements& m) { m.height = 200; m.width = 300; },
                    Reason::kNone},
        PictureCase{"SideBelow", [](Measurements& m) { m.height = 199; m.width = 300; },
                    Reason::kTooSmall},
        PictureCase{"AspectAtLimit", [](Measurements& m) { m.width = 900; m.height = 300; },
                    Reason::kNone},
        PictureCase{"TooWide", [](Measurements& m) { m.width = 901; m.height = 300; },
                    Reason::kAspectRatio},
        PictureCase{"TooTall", [](Measurements& m) { m.width = 300; m.height = 901; },
                    Reason::kAspectRatio},
        PictureCase{"Dark", [](Measurements& m) { m.brightness_p99 = 0.36; }, Reason::kTooDark},
        PictureCase{"DarkAtLimit", [](Measurements& m) { m.brightness_p99 = 0.37; },
                    Reason::kNone},
        PictureCase{"Bright", [](Measurements& m) { m.brightness_p5 = 0.96; },
                    Reason::kTooBright},
        PictureCase{"BrightAtLimit", [](Measurements& m) { m.brightness_p5 = 0.95; },
                    Reason::kNone},
        PictureCase{"Flat", [](Measurements& m) { m.entropy_bits = 1.9; },
                    Reason::kLowInformation},
        PictureCase{"Blurry", [](Measurements& m) { m.sharpness = 0.39; }, Reason::kBlurry},
        PictureCase{"Noisy", [](Measurements& m) { m.noise_sigma = 10.5; }, Reason::kNoisy},
        PictureCase{"Blocky", [](Measurements& m) { m.blockiness = 0.8; },
                    Reason::kOvercompressed},
        // The order, one step at a time.
        PictureCase{"SmallBeforeAspect", [](Measurements& m) { m.height = 10; },
                    Reason::kTooSmall},
        PictureCase{"AspectBeforeDark",
                    [](Measurements& m) { m.width = 2000; m.brightness_p99 = 0; },
                    Reason::kAspectRatio},
        PictureCase{"DarkBeforeFlat",
                    [](Measurements& m) { m.brightness_p99 = 0; m.entropy_bits = 0; },
                    Reason::kTooDark},
        PictureCase{"BrightBeforeFlat",
                    [](Measurements& m) { m.brightness_p5 = 1; m.entropy_bits = 0; },
                    Reason::kTooBright},
        PictureCase{"FlatBeforeBlurry",
                    [](Measurements& m) { m.entropy_bits = 0; m.sharpness = 0; },
                    Reason::kLowInformation},
        PictureCase{"BlurryBeforeNoisy",
                    [](Measurements& m) { m.sharpness = 0; m.noise_sigma = 99; },
                    Reason::kBlurry},
        PictureCase{"NoisyBeforeBlocky",
                    [](Measurements& m) { m.noise_sigma = 99; m.blockiness = 1; },
                    Reason::kNoisy}),
    [](const auto& test) { return test.param.name; });

TEST(JudgePictureScoresTest, NamesEveryFigureWithItsLimitWhateverFailed) {
  Measurements measured = Fine();
  measured.width = 10;
  const Judgement judgement = JudgePicture(measured, Rules());
  EXPECT_THAT(judgement.scores,
              ::testing::UnorderedElementsAre(
                  ::testing::Pair("shorter_side", 10), ::testing::Pair("aspect_ratio", 48),
                  ::testing::Pair("brightness_p99", 0.9), ::testing::Pair("brightness_p5", 0.2),
                  ::testing::Pair("entropy_bits", 7), ::testing::Pair("sharpness", 0.7),
                  ::testing::Pair("noise_sigma", 1), ::testing::Pair("blockiness", 0.3)));
  EXPECT_THAT(judgement.thresholds,
              ::testing::UnorderedElementsAre(
                  ::testing::Pair("min_side", 200), ::testing::Pair("max_aspect_ratio", 3),
                  ::testing::Pair("min_brightness", 0.37), ::testing::Pair("max_brightness", 0.95),
                  ::testing::Pair("min_entropy", 2), ::testing::Pair("min_sharpness", 0.4),
                  ::testing::Pair("max_noise", 10), ::testing::Pair("max_blockiness", 0.75)));
}

TEST(JudgePictureScoresTest, SaysFigureAndLimitToAPerson) {
  Measurements measured = Fine();
  measured.sharpness = 0.21;
  EXPECT_EQ(JudgePicture(measured, Rules()).finding.detail,
            "sharpness 0.21 is below the minimum 0.4 (validate.min_sharpness)");
}

record::Consent Given() {
  record::Consent consent;
  consent.basis = "consent";
  consent.purposes = {"evaluate", "train"};
  return consent;
}

TEST(CheckConsentTest, ChecksNothingWithoutRequiredPurpose) {
  EXPECT_FALSE(CheckConsent(std::nullopt, std::nullopt, kNow).refused());
}

TEST(CheckConsentTest, AcceptsADeclaredPurpose) {
  EXPECT_EQ(CheckConsent(Given(), "train", kNow), Finding{});
}

TEST(CheckConsentTest, RefusesARecordWithoutConsent) {
  EXPECT_EQ(CheckConsent(std::nullopt, "train", kNow).reason, Reason::kConsentMissing);
}

TEST(CheckConsentTest, RefusesConsentWithoutBasis) {
  record::Consent consent = Given();
  consent.basis.clear();
  EXPECT_EQ(CheckConsent(consent, "train", kNow).reason, Reason::kConsentMissing);
}

TEST(CheckConsentTest, RefusesAPurposeNotListed) {
  EXPECT_EQ(CheckConsent(Given(), "publish", kNow).reason, Reason::kConsentPurpose);
}

TEST(CheckConsentTest, RefusesConsentWithoutPurposes) {
  record::Consent consent = Given();
  consent.purposes.clear();
  EXPECT_EQ(CheckConsent(consent, "train", kNow).reason, Reason::kConsentPurpose);
}

TEST(CheckConsentTest, EndsAtTheMomentOfExpiry) {
  record::Consent consent = Given();
  consent.expires_at = kNow;
  EXPECT_EQ(CheckConsent(consent, "train", kNow).reason, Reason::kConsentExpired);
  consent.expires_at = kNow + std::chrono::milliseconds(1);
  EXPECT_FALSE(CheckConsent(consent, "train", kNow).refused());
}

}  // namespace
}  // namespace winnow::validator
