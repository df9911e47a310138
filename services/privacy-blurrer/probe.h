// The blurrer's own figures.
#pragma once

#include <cstdint>
#include <memory>

#include "libs/base/mutex.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::privacy {

// winnow_privacy_residual_ratio: of the images it redacted, passed on or not, since this process
// began, the share that still showed a face and went to review. 0 before the first one.
// winnow_redacted_regions_total{kind}. Thread-safe; `metrics` must outlive it.
class BlurrerProbe : public stream::StageObserver {
 public:
  explicit BlurrerProbe(telemetry::Metrics& metrics);

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
