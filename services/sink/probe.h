// The sink's own figures.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "libs/base/mutex.h"
#include "libs/spec/spec.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::sink {

// winnow_collection_progress_ratio{collection,class}: images stored with such a label over those
// objective.target_counts asks for; may exceed 1. Counts what was published when the process began
// and what it stored and gave up itself since: with several sinks the largest figure is nearest to
// the truth. winnow_sink_superseded_total: what it gave up for a better copy.
// Thread-safe; `metrics` must outlive it.
class SinkProbe : public stream::StageObserver {
 public:
  // `published`: images by label.
  SinkProbe(const spec::CollectionSpec& spec,
            const std::map<std::string, std::uint64_t>& published, telemetry::Metrics& metrics);

  void Concluded(const record::ImageRecord& record) override;
  void TookOut(const stream::TakenOut& taken_out) override;

 private:
  struct Progress {
    double stored = 0;
    double target = 1;
    telemetry::Gauge ratio;
  };

  telemetry::Counter superseded_;
  Mutex mutex_;
  std::map<std::string, Progress> by_class_ WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::sink
