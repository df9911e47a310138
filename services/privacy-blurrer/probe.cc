#include "services/privacy-blurrer/probe.h"

#include <algorithm>

namespace winnow::privacy {
namespace {

double CountOf(const record::Redaction& redaction, std::string_view kind) {
  return static_cast<double>(
      std::count_if(redaction.regions.begin(), redaction.regions.end(),
                    [kind](const record::RedactedRegion& region) { return region.kind == kind; }));
}

}  // namespace

BlurrerProbe::BlurrerProbe(telemetry::Metrics& metrics, const std::atomic<int>& detectors)
    : residual_ratio_(metrics
                          .AddGauges("winnow_privacy_residual_ratio",
                                     "Share of the redacted images that still showed a face and "
                                     "went to review, since the process began")
                          .At({})) {
  telemetry::CounterFamily regions = metrics.AddCounters(
      "winnow_redacted_regions_total", "Regions destroyed in images that were passed on");
  faces_ = regions.At({{"kind", "face"}});
  plates_ = regions.At({{"kind", "plate"}});
  residual_ratio_.Set(0);
  telemetry::Gauge loaded =
      metrics.AddGauges("winnow_detectors_loaded", "Detector models that are loaded and in use")
          .At({{"stage", "privacy-blurrer"}});
  metrics.BeforeText([loaded, &detectors]() mutable { loaded.Set(detectors); });
}

void BlurrerProbe::Concluded(const record::ImageRecord& record) {
  if (record.history.empty() || !record.redaction || record.redaction->regions.empty()) return;
  const record::StageVerdict& verdict = record.history.back();
  const bool residual = verdict.reason == record::Reason::kResidualFace;
  const bool forwarded = verdict.disposition == record::Disposition::kForwarded;
  if (!residual && !forwarded) return;
  if (forwarded) {
    faces_.Add(CountOf(*record.redaction, "face"));
    plates_.Add(CountOf(*record.redaction, "plate"));
  }
  MutexLock lock(mutex_);
  ++redacted_;
  residual_ += residual ? 1 : 0;
  residual_ratio_.Set(static_cast<double>(residual_) / static_cast<double>(redacted_));
}

}  // namespace winnow::privacy
