// The validator's own figures.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "libs/base/clock.h"
#include "libs/record/image_record.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::validator {

// Which source went silent: for each source that is named, winnow_source_records_total{source},
// winnow_source_last_seen_timestamp_seconds, which begins at the start of the process, and
// winnow_source_silence_limit_seconds. Records of all others count under source "other". A source
// is seen when a batch with a record of it is committed, whatever became of the record.
//
// Thread-safe. `metrics` and `clock` must outlive it.
class ValidatorProbe : public stream::StageObserver {
 public:
  // `silence_limits`: the named sources, none of them "other", and how long each may be silent.
  ValidatorProbe(const std::map<std::string, std::chrono::milliseconds>& silence_limits,
                 telemetry::Metrics& metrics, const Clock& clock);

  void Concluded(const record::ImageRecord& record) override;

 private:
  struct Source {
    telemetry::Counter records;
    telemetry::Gauge last_seen;
  };

  const Clock& clock_;
  std::map<std::string, Source> named_;  // written by the constructor only
  telemetry::Counter others_;
};

}  // namespace winnow::validator
