#include "services/deduper/probe.h"

namespace winnow::deduper {
namespace {

using record::Reason;

// Up to the 31 bits of PDQ's recommendation.
const std::vector<double> kDistances = {0, 2, 4, 8, 12, 16, 20, 24, 28, 31};

bool IsIncomparable(const record::ImageRecord& record) {
  if (!record.fingerprint) return true;
  const auto least = record.history.back().thresholds.find("min_quality");
  return least != record.history.back().thresholds.end() &&
         record.fingerprint->quality < least->second;
}

}  // namespace

DeduperProbe::DeduperProbe(telemetry::Metrics& metrics)
    : distance_(metrics
                    .AddHistograms("winnow_dedup_distance_bits",
                                   "Of dropped near-duplicates, to the image they duplicate",
                                   kDistances)
                    .At({})),
      replaced_(metrics
                    .AddCounters("winnow_dedup_replaced_total",
                                 "Images that a better copy took the place of")
                    .At({})),
      incomparable_(metrics
                        .AddCounters("winnow_dedup_incomparable_total",
                                     "Images passed on without a look for near-duplicates: their "
                                     "fingerprint is too poor")
                        .At({})) {}

bool DeduperProbe::WantsConcluded(const record::ImageRecord& record) const {
  if (record.history.empty() || !record.duplicate) return false;
  const Reason reason = record.history.back().reason;
  if (reason == Reason::kNearDuplicate) return true;
  return reason == Reason::kNone &&
         (!record.duplicate->replaces.empty() || IsIncomparable(record));
}

void DeduperProbe::Concluded(const record::ImageRecord& record) {
  if (!WantsConcluded(record)) return;
  const Reason reason = record.history.back().reason;
  if (reason == Reason::kNearDuplicate) distance_.Observe(record.duplicate->distance);
  if (reason != Reason::kNone) return;
  replaced_.Add(static_cast<double>(record.duplicate->replaces.size()));
  if (IsIncomparable(record)) incomparable_.Add();
}

}  // namespace winnow::deduper
