// The balancer's own figures.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/spec/spec.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::balancer {

// Half the sum, over the listed values, of |target share - admitted share|: 0 where every value has
// its share, 1 at worst. Values that are not listed count in the total only; a count below 0 is
// taken as 0. 0 with nothing admitted.
double Divergence(const std::map<std::string, double>& targets,
                  const std::map<std::string, std::int64_t>& admitted, std::int64_t total);

// winnow_balance_divergence{axis}, for each axis of the spec, over the records admitted since this
// process began: what came before is in the state and in the dataset's report. What a better copy
// withdraws is taken off, also where it was admitted before the process began: the copy came in its
// place. Counts can so fall below 0, by as many as were admitted before and replaced since by a copy
// of another stratum. A record that is admitted again, because it was sent again, counts again.
// Thread-safe; `metrics` must outlive it.
class BalancerProbe : public stream::StageObserver {
 public:
  BalancerProbe(const spec::CollectionSpec& spec, telemetry::Metrics& metrics);

  void Concluded(const record::ImageRecord& record) override;

 private:
  struct Axis {
    std::string prefix;  // "lighting="
    std::map<std::string, double> targets;
    telemetry::Gauge divergence;
    std::map<std::string, std::int64_t> admitted;  // of listed values
    std::int64_t total = 0;                        // of all values

    void Count(const std::vector<std::string>& strata, std::int64_t sign);
  };

  Mutex mutex_;
  std::vector<Axis> axes_ WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::balancer
