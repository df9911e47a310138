#include "services/sink/probe.h"

#include <algorithm>
#include <set>

namespace winnow::sink {

SinkProbe::SinkProbe(const spec::CollectionSpec& spec,
                     const std::map<std::string, std::uint64_t>& published,
                     telemetry::Metrics& metrics) {
  telemetry::GaugeFamily ratios =
      metrics.AddGauges("winnow_collection_progress_ratio",
                        "Images stored of a class over those the objective asks for");
  for (const auto& [name, target] : spec.objective.target_counts) {
    const auto before = published.find(name);
    Progress progress;
    progress.stored = before == published.end() ? 0 : static_cast<double>(before->second);
    progress.target = static_cast<double>(target);
    progress.ratio = ratios.At({{"collection", spec.collection.value()}, {"class", name}});
    progress.ratio.Set(progress.stored / progress.target);
    by_class_[name] = progress;
  }
  superseded_ = metrics
                    .AddCounters("winnow_sink_superseded_total",
                                 "Images given up after they were stored: a better copy took their "
                                 "place")
                    .At({});
}

void SinkProbe::Concluded(const record::ImageRecord& record) {
  const bool stored = !record.history.empty() &&
                      record.history.back().disposition == record::Disposition::kStored;
  if (!stored) return;
  std::set<std::string_view> labels;
  for (const record::Annotation& annotation : record.annotations) labels.insert(annotation.label);
  MutexLock lock(mutex_);
  for (auto& [name, progress] : by_class_) {
    if (labels.count(name) == 0) continue;
    ++progress.stored;
    progress.ratio.Set(progress.stored / progress.target);
  }
}

void SinkProbe::TookOut(const stream::TakenOut& taken_out) {
  superseded_.Add(static_cast<double>(taken_out.records));
  MutexLock lock(mutex_);
  for (auto& [name, progress] : by_class_) {
    const auto images = taken_out.class_counts.find(name);
    if (images == taken_out.class_counts.end()) continue;
    progress.stored = std::max(0.0, progress.stored - static_cast<double>(images->second));
    progress.ratio.Set(progress.stored / progress.target);
  }
}

}  // namespace winnow::sink
