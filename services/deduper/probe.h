// The deduper's own figures.
#pragma once

#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::deduper {

// winnow_dedup_distance_bits: of near-duplicates that were dropped, to the image they duplicate: a
// threshold that cuts through a crowd shows here. winnow_dedup_replaced_total: earlier images that
// a better copy took the place of. winnow_dedup_incomparable_total: images passed on without a look
// for near-duplicates, since their fingerprint is too poor or missing. Thread-safe; `metrics` must
// outlive it.
class DeduperProbe : public stream::StageObserver {
 public:
  explicit DeduperProbe(telemetry::Metrics& metrics);

  void Concluded(const record::ImageRecord& record) override;
  // Most are passed on without anything to count.
  bool WantsConcluded(const record::ImageRecord& record) const override;

 private:
  telemetry::Histogram distance_;
  telemetry::Counter replaced_;
  telemetry::Counter incomparable_;
};

}  // namespace winnow::deduper
