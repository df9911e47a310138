#include "services/balancer/probe.h"

#include <algorithm>
#include <cmath>

namespace winnow::balancer {

double Divergence(const std::map<std::string, double>& targets,
                  const std::map<std::string, std::int64_t>& admitted, std::int64_t total) {
  if (total <= 0) return 0;
  double sum = 0;
  for (const auto& [value, target] : targets) {
    const auto found = admitted.find(value);
    const double count =
        found == admitted.end() ? 0 : std::max(0.0, static_cast<double>(found->second));
    sum += std::abs(target - count / static_cast<double>(total));
  }
  return sum / 2;
}

BalancerProbe::BalancerProbe(const spec::CollectionSpec& spec, telemetry::Metrics& metrics) {
  telemetry::GaugeFamily divergence = metrics.AddGauges(
      "winnow_balance_divergence",
      "Half the sum of the differences between target and admitted shares, since the process began");
  for (const spec::BalanceAxis& axis : spec.balance.axes) {
    axes_.push_back({axis.name + "=", axis.targets, divergence.At({{"axis", axis.name}}), {}, 0});
    axes_.back().divergence.Set(0);
  }
}

void BalancerProbe::Axis::Count(const std::vector<std::string>& strata, std::int64_t sign) {
  for (const std::string& stratum : strata) {
    if (stratum.compare(0, prefix.size(), prefix) != 0) continue;
    total += sign;
    const std::string value = stratum.substr(prefix.size());
    // Only listed values: a map of all that come would grow without bound.
    if (targets.count(value) != 0) admitted[value] += sign;
  }
}

void BalancerProbe::Concluded(const record::ImageRecord& record) {
  const bool admitted =
      !record.history.empty() && record.selection &&
      record.history.back().disposition == record::Disposition::kForwarded;
  if (!admitted) return;
  MutexLock lock(mutex_);
  for (Axis& axis : axes_) {
    axis.Count(record.selection->strata, 1);
    axis.Count(record.selection->withdrawn, -1);
    axis.divergence.Set(Divergence(axis.targets, axis.admitted, axis.total));
  }
}

}  // namespace winnow::balancer
