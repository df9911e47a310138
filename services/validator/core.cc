#include "services/validator/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace winnow::validator {
namespace {

enum class Bound { kMin, kMax };

struct Rule {
  record::Reason reason;
  std::string_view score_name;
  double score;
  std::string_view limit_name;
  double limit;
  Bound bound;

  bool Fails() const { return bound == Bound::kMin ? score < limit : score > limit; }
};

std::vector<Rule> PictureRules(const record::Measurements& measured,
                               const spec::ValidateRules& rules) {
  using record::Reason;
  const double shorter = std::min(measured.width, measured.height);
  const double longer = std::max(measured.width, measured.height);
  const double aspect = shorter > 0 ? longer / shorter : 0;
  return {
      {Reason::kTooSmall, "shorter_side", shorter, "min_side", static_cast<double>(rules.min_side),
       Bound::kMin},
      {Reason::kAspectRatio, "aspect_ratio", aspect, "max_aspect_ratio", rules.max_aspect_ratio,
       Bound::kMax},
      {Reason::kTooDark, "brightness_p99", measured.brightness_p99, "min_brightness",
       rules.min_brightness, Bound::kMin},
      {Reason::kTooBright, "brightness_p5", measured.brightness_p5, "max_brightness",
       rules.max_brightness, Bound::kMax},
      {Reason::kLowInformation, "entropy_bits", measured.entropy_bits, "min_entropy",
       rules.min_entropy, Bound::kMin},
      {Reason::kBlurry, "sharpness", measured.sharpness, "min_sharpness", rules.min_sharpness,
       Bound::kMin},
      {Reason::kNoisy, "noise_sigma", measured.noise_sigma, "max_noise", rules.max_noise,
       Bound::kMax},
      {Reason::kOvercompressed, "blockiness", measured.blockiness, "max_blockiness",
       rules.max_blockiness, Bound::kMax},
  };
}

Finding Describe(const Rule& rule) {
  const std::string_view relation =
      rule.bound == Bound::kMin ? "is below the minimum" : "is above the maximum";
  return {rule.reason, fmt::format("{} {:.4g} {} {:.4g} (validate.{})", rule.score_name,
                                   rule.score, relation, rule.limit, rule.limit_name)};
}

}  // namespace

Judgement JudgePicture(const record::Measurements& measured, const spec::ValidateRules& rules) {
  Judgement judgement;
  for (const Rule& rule : PictureRules(measured, rules)) {
    judgement.scores.emplace(rule.score_name, rule.score);
    judgement.thresholds.emplace(rule.limit_name, rule.limit);
    if (rule.Fails() && !judgement.finding.refused()) judgement.finding = Describe(rule);
  }
  return judgement;
}

Finding CheckConsent(const std::optional<record::Consent>& consent,
                     const std::optional<std::string>& purpose, Timestamp now) {
  if (!purpose) return {};
  if (!consent || consent->basis.empty()) {
    return {record::Reason::kConsentMissing,
            fmt::format("purpose \"{}\" needs a legal basis and none is declared", *purpose)};
  }
  const std::vector<std::string>& purposes = consent->purposes;
  if (std::find(purposes.begin(), purposes.end(), *purpose) == purposes.end()) {
    return {record::Reason::kConsentPurpose,
            fmt::format("purpose \"{}\" is not among the declared ones: {}", *purpose,
                        purposes.empty() ? "none" : fmt::format("{}", fmt::join(purposes, ", ")))};
  }
  if (consent->expires_at && *consent->expires_at <= now) {
    return {record::Reason::kConsentExpired,
            fmt::format("consent ended {} s ago",
                        std::chrono::duration_cast<std::chrono::seconds>(now - *consent->expires_at)
                            .count())};
  }
  return {};
}

}  // namespace winnow::validator
