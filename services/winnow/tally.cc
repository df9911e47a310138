#include "services/winnow/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "services/balancer/strata.h"

namespace winnow::cli {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;

constexpr std::size_t kExamplesPerReason = 4;
constexpr std::size_t kDuplicatePairs = 6;
constexpr std::size_t kReplacementPairs = 3;
constexpr std::size_t kStoredExamples = 12;
constexpr std::size_t kBins = 40;

enum HistogramIndex { kSharpness, kBrightness, kNoise, kShorterSide };

dataset::Histogram NewHistogram(std::string title, std::string unit, double upper,
                                double threshold, std::string_view kind) {
  dataset::Histogram histogram;
  histogram.title = std::move(title);
  histogram.unit = std::move(unit);
  histogram.upper = upper;
  histogram.threshold = threshold;
  histogram.has_threshold = !kind.empty();
  if (histogram.has_threshold) histogram.threshold_label = fmt::format("{} {:g}", kind, threshold);
  histogram.counts.assign(kBins, 0);
  return histogram;
}

// Values beyond the scale count in the last bin.
void Put(dataset::Histogram& histogram, double value) {
  const double share = (value - histogram.lower) / (histogram.upper - histogram.lower);
  const double bin = std::clamp(share * kBins, 0.0, static_cast<double>(kBins - 1));
  ++histogram.counts[static_cast<std::size_t>(bin)];
}

bool IsDuplicate(Reason reason) {
  return reason == Reason::kExactDuplicate || reason == Reason::kNearDuplicate;
}

}  // namespace

void Sample::Offer(const ImageRecord& record) {
  if (records_.size() == size_ && !(record.id < records_.rbegin()->first)) return;
  records_.emplace(record.id, record);
  if (records_.size() > size_) records_.erase(std::prev(records_.end()));
}

Tally::Tally(const spec::CollectionSpec& spec)
    : spec_(spec), duplicate_sample_(kDuplicatePairs), stored_sample_(kStoredExamples),
      replacement_sample_(kReplacementPairs) {
  const spec::ValidateRules& rules = spec.validate;
  histograms_ = {
      NewHistogram("Sharpness", "0 blurred to 1 sharp", 1, rules.min_sharpness, "minimum"),
      NewHistogram("Brightness", "mean, 0 black to 1 white", 1, 0, ""),
      NewHistogram("Noise", "sigma, grey levels", std::max(rules.max_noise * 1.5, 1.0),
                   rules.max_noise, "maximum"),
      NewHistogram("Shorter side", "pixels", std::max(rules.min_side * 8.0, 1600.0),
                   rules.min_side, "minimum"),
  };
}

void Tally::Add(const ImageRecord& record) {
  if (record.history.empty()) return;
  const record::StageVerdict& last = record.history.back();
  const bool stored = last.disposition == Disposition::kStored;
  if (record.measurements) AddMeasurements(*record.measurements);
  AddPrivacy(record);
  AddBalance(record, stored);
  if (stored) {
    stored_sample_.Offer(record);
    if (record.duplicate && !record.duplicate->replaces.empty()) replacement_sample_.Offer(record);
    std::set<std::string> classes;
    for (const record::Annotation& annotation : record.annotations) {
      classes.insert(annotation.label);
    }
    for (const std::string& name : classes) ++class_counts_[name];
  } else {
    AddRefusal(record, last);
  }
}

void Tally::AddMeasurements(const record::Measurements& measurements) {
  Put(histograms_[kSharpness], measurements.sharpness);
  Put(histograms_[kBrightness], measurements.brightness_mean);
  Put(histograms_[kNoise], measurements.noise_sigma);
  Put(histograms_[kShorterSide], std::min(measurements.width, measurements.height));
}

void Tally::AddPrivacy(const ImageRecord& record) {
  for (const record::StageVerdict& verdict : record.history) {
    if (verdict.stage != "privacy-blurrer") continue;
    ++privacy_.images_checked;
    if (verdict.disposition == Disposition::kReview) ++privacy_.in_review;
    if (!verdict.model_digest.empty()) face_model_digest_ = verdict.model_digest;
  }
  if (!record.redaction) return;
  for (const std::string& kind : record.redaction->stripped) ++privacy_.metadata_stripped[kind];
  if (record.redaction->regions.empty()) return;
  ++privacy_.images_with_faces;
  privacy_.regions_redacted += record.redaction->regions.size();
  redacted_area_ += record.redaction->area_ratio;
}

void Tally::AddBalance(const ImageRecord& record, bool stored) {
  const bool arrived = std::any_of(
      record.history.begin(), record.history.end(),
      [](const record::StageVerdict& verdict) { return verdict.stage == "balancer"; });
  if (!arrived) return;
  for (const spec::BalanceAxis& axis : spec_.balance.axes) {
    for (const std::string& value : balancer::ValuesOf(record, axis.name)) {
      Balance& balance = strata_[{axis.name, value}];
      ++balance.before;
      if (stored) ++balance.after;
    }
  }
}

void Tally::AddRefusal(const ImageRecord& record, const record::StageVerdict& last) {
  dataset::ReasonCount& reason = reasons_[last.reason];
  reason.reason = last.reason;
  reason.disposition = last.disposition;
  reason.stage = last.stage;
  ++reason.count;
  if (IsDuplicate(last.reason)) {
    ++duplicates_;
    duplicate_sample_.Offer(record);
  }
  refused_.try_emplace(last.reason, kExamplesPerReason).first->second.Offer(record);
}

std::uint64_t Tally::superseded() const {
  const auto reason = reasons_.find(Reason::kSuperseded);
  return reason == reasons_.end() ? 0 : reason->second.count;
}

dataset::PrivacySummary Tally::Privacy() const {
  dataset::PrivacySummary privacy = privacy_;
  if (privacy.images_with_faces > 0) {
    privacy.mean_area_ratio = redacted_area_ / static_cast<double>(privacy.images_with_faces);
  }
  return privacy;
}

std::vector<dataset::AxisBalance> Tally::Axes() const {
  std::vector<dataset::AxisBalance> axes;
  for (const spec::BalanceAxis& axis : spec_.balance.axes) {
    dataset::AxisBalance balance;
    balance.axis = axis.name;
    balance.tolerance = axis.tolerance;
    for (const auto& [stratum, counts] : strata_) {
      if (stratum.first != axis.name) continue;
      dataset::AxisValue value;
      value.value = stratum.second;
      value.before = counts.before;
      value.after = counts.after;
      if (const auto target = axis.targets.find(value.value); target != axis.targets.end()) {
        value.target = target->second;
      }
      balance.values.push_back(std::move(value));
    }
    axes.push_back(std::move(balance));
  }
  return axes;
}

std::vector<dataset::ReasonCount> Tally::Reasons() const {
  std::vector<dataset::ReasonCount> reasons;
  for (const auto& [reason, count] : reasons_) reasons.push_back(count);
  return reasons;
}

}  // namespace winnow::cli
