// The blurrer's own figures.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "libs/base/mutex.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::privacy {

// winnow_privacy_residual_ratio: of the images it redacted, passed on or not, since this process
// began, the share that still showed a face and went to review. 0 before the first one.
// winnow_redacted_regions_total{kind}. winnow_detectors_loaded: as NewBlurrerFactory counts them.
// Thread-safe; `metrics` must outlive it, and `detectors` outlive `metrics`.
class BlurrerProbe : public stream::StageObserver {
 public:
  BlurrerProbe(telemetry::Metrics& metrics, const std::atomic<int>& detectors);

  void Concluded(const record::ImageRecord& record) override;

 private:
  telemetry::Gauge residual_ratio_;
  telemetry::Counter faces_;
  telemetry::Counter plates_;
  Mutex mutex_;
  std::uint64_t redacted_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t residual_ WINNOW_GUARDED_BY(mutex_) = 0;
};

}  // namespace winnow::privacy
