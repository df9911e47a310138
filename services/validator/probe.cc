#include "services/validator/probe.h"

namespace winnow::validator {
namespace {

telemetry::Labels Of(const std::string& source) {
  return {{"stage", "validator"}, {"source", source}};
}

double SecondsSince1970(Timestamp time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

ValidatorProbe::ValidatorProbe(
    const std::map<std::string, std::chrono::milliseconds>& silence_limits,
    telemetry::Metrics& metrics, const Clock& clock)
    : clock_(clock) {
  telemetry::CounterFamily records =
      metrics.AddCounters("winnow_source_records_total", "Records by the source they came from");
  telemetry::GaugeFamily last_seen =
      metrics.AddGauges("winnow_source_last_seen_timestamp_seconds",
                        "When a record of the source was last committed, or the process began");
  telemetry::GaugeFamily limits = metrics.AddGauges("winnow_source_silence_limit_seconds",
                                                    "How long the source may be silent");
  const double now = SecondsSince1970(clock.Now());
  for (const auto& [source, limit] : silence_limits) {
    Source& series = named_[source];
    series = {records.At(Of(source)), last_seen.At(Of(source))};
    series.last_seen.Set(now);
    limits.At(Of(source)).Set(std::chrono::duration<double>(limit).count());
  }
  others_ = records.At(Of("other"));
}

void ValidatorProbe::Concluded(const record::ImageRecord& record) {
  const auto found = named_.find(record.source.id.value());
  if (found == named_.end()) return others_.Add();
  found->second.records.Add();
  found->second.last_seen.Set(SecondsSince1970(clock_.Now()));
}

}  // namespace winnow::validator
