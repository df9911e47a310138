#include "libs/telemetry/stage_probe.h"

#include <chrono>
#include <cstddef>

namespace winnow::telemetry {
namespace {

using record::Disposition;
using record::Reason;

// A decoded record takes microseconds, a large picture seconds.
const std::vector<double> kStepSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                          0.05,   0.1,     0.25,   0.5,   1,      2.5,   10};
const std::vector<double> kBatchRecords = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
// From a live camera to a folder that waited in the backlog for days.
const std::vector<double> kEndToEndSeconds = {0.1, 0.25, 0.5, 1,    2.5,  5,     10,    30,
                                              60,  120,  300, 900, 3600, 14'400, 86'400, 604'800};

// With which disposition a reason comes.
Disposition DispositionOf(Reason reason) {
  switch (reason) {
    case Reason::kNone: return Disposition::kForwarded;
    case Reason::kResidualFace:
    case Reason::kUnredactable: return Disposition::kReview;
    case Reason::kOverTargetShare:
    case Reason::kQuotaReached: return Disposition::kDeferred;
    default: return Disposition::kRejected;
  }
}

double SecondsBetween(Timestamp from, Timestamp to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

StageProbe::StageProbe(StageProbeOptions options, Metrics& metrics, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      records_(metrics.AddCounters("winnow_records_total",
                                   "Records by what became of them here, once committed")),
      settled_(metrics.AddCounters("winnow_settled_total",
                                   "Records deferred earlier whose fate was decided")),
      lag_(metrics.AddGauges("winnow_consumer_lag_records",
                             "Records of the partition after the last one committed")),
      restore_(metrics.AddGauges("winnow_restore_remaining_records",
                                 "Changelog records still to be read to rebuild the state")),
      ready_(metrics.AddGauges("winnow_ready", "1 where the check of /readyz holds")),
      lost_(metrics.AddCounters("winnow_lost_records_total",
                                "Records that were gone before this stage could read them")),
      state_entries_(metrics.AddGauges("winnow_state_entries", "Entries of the state, about")),
      state_disk_(metrics.AddGauges("winnow_state_disk_bytes", "What the state takes on disk")),
      state_memory_(metrics.AddGauges("winnow_state_memory_bytes",
                                      "What the state's store takes in memory")),
      state_pending_compaction_(
          metrics.AddGauges("winnow_state_pending_compaction_bytes",
                            "What the state's store has still to rewrite to stay fast")),
      state_writes_stopped_(metrics.AddGauges(
          "winnow_state_writes_stopped", "1 while the state's store lets nobody write")),
      index_entries_(metrics.AddGauges("winnow_index_entries",
                                       "Records in the index that the stage searches")),
      index_memory_(metrics.AddGauges("winnow_index_memory_bytes", "What it takes in memory")),
      index_disk_(metrics.AddGauges("winnow_index_disk_bytes",
                                    "What of it is in files, beyond the memory it may take")) {
  const auto counter = [&](const char* name, const char* help) {
    return metrics.AddCounters(name, help).At(With({}));
  };
  received_ = counter("winnow_received_total", "Records read, once committed: the sum of all fates");
  received_bytes_ = counter("winnow_record_bytes_total", "Bytes of the messages received");
  commits_ = counter("winnow_commits_total", "Batches committed");
  aborts_ = counter("winnow_aborts_total", "Batches given up and read again");
  in_flight_ = metrics.AddGauges("winnow_in_flight_bytes", "Bytes read and not yet committed")
                   .At(With({}));
  fenced_ = metrics.AddGauges("winnow_fenced",
                              "1 once another process of this instance's name took over")
                .At(With({}));
  batch_records_ = metrics.AddHistograms("winnow_batch_records", "Records of a commit",
                                         kBatchRecords).At(With({}));
  metrics.AddGauges("winnow_build_info", "Always 1; the labels tell")
      .At(With({{"version", options_.version}})).Set(1);
  if (options_.lanes > 0) {
    metrics.AddGauges("winnow_lanes", "Records it judges at a time, at most").At(With({}))
        .Set(static_cast<double>(options_.lanes));
  }
  MakeRecordSeries();
  MakeStepSeries(metrics);
  if (options_.stores) MakeOutputSeries(metrics);
  for (const stream::Loss loss : stream::kAllLosses) Lost(loss, 0);
  Is({});
  ready_.At(With({{"check", "running"}})).Set(1);
}

void StageProbe::MakeRecordSeries() {
  std::vector<Fate> fates = {{Disposition::kStored, Reason::kNone}};
  for (const Reason reason : record::kAllReasons) fates.emplace_back(DispositionOf(reason), reason);
  for (const Fate& fate : fates) by_fate_[fate] = records_.At(FateLabels(fate));
  for (const std::string& reason : options_.dead_reasons) {
    dead_[reason] = records_.At(With({{"outcome", "dead"}, {"reason", reason}}));
  }
  settled_.At(FateLabels({Disposition::kForwarded, Reason::kNone}));
  settled_.At(FateLabels({Disposition::kRejected, Reason::kReserveFull}));
  settled_.At(FateLabels({Disposition::kRejected, Reason::kSuperseded}));
}

void StageProbe::MakeStepSeries(Metrics& metrics) {
  HistogramFamily steps = metrics.AddHistograms(
      "winnow_stage_seconds", "Time by part of the work. Of a record: decode, process, encode, fetch; of a batch: produce, "
      "commit, state",
      kStepSeconds);
  for (const stream::StageStep step : stream::kAllStageSteps) {
    steps_.at(static_cast<std::size_t>(step)) =
        steps.At(With({{"step", std::string(stream::Name(step))}}));
  }
}

void StageProbe::MakeOutputSeries(Metrics& metrics) {
  HistogramFamily whole = metrics.AddHistograms(
      "winnow_end_to_end_seconds", "Age of an image when it is stored", kEndToEndSeconds);
  since_captured_ = whole.At(With({{"since", "captured"}}));
  since_ingested_ = whole.At(With({{"since", "ingested"}}));
  parts_open_ = metrics.AddGauges("winnow_parts_open", "Parts written to and not yet published")
                    .At(With({}));
  part_oldest_open_ = metrics.AddGauges("winnow_part_oldest_open_seconds",
                                        "Since when the oldest of them is open; 0 with none")
                          .At(With({}));
  parts_published_ =
      metrics.AddCounters("winnow_parts_published_total", "Parts published").At(With({}));
}

Labels StageProbe::With(Labels labels) const {
  labels["stage"] = options_.stage;
  return labels;
}

Labels StageProbe::FateLabels(const Fate& fate) const {
  return With({{"outcome", std::string(record::Name(fate.first))},
               {"reason", std::string(record::Name(fate.second))}});
}

Labels StageProbe::PartitionLabels(int partition) const {
  return With({{"partition", std::to_string(partition)}});
}

Labels StageProbe::LagLabels(const std::string& topic, int partition) const {
  return With({{"topic", topic}, {"partition", std::to_string(partition)}});
}

void StageProbe::Committed(const stream::BatchReport& batch) {
  const auto add = [](Counter counter, std::uint64_t n) { counter.Add(static_cast<double>(n)); };
  commits_.Add();
  batch_records_.Observe(static_cast<double>(batch.received));
  add(received_, batch.received);
  add(received_bytes_, batch.received_bytes);
  for (const auto& [fate, count] : batch.outcomes) {
    const auto known = by_fate_.find(fate);
    add(known != by_fate_.end() ? known->second : records_.At(FateLabels(fate)), count);
  }
  for (const auto& [reason, count] : batch.dead) {
    const auto known = dead_.find(reason);
    add(known != dead_.end() ? known->second
                             : records_.At(With({{"outcome", "dead"}, {"reason", "other"}})),
        count);
  }
  for (const auto& [fate, count] : batch.settled) add(settled_.At(FateLabels(fate)), count);
}

void StageProbe::Concluded(const record::ImageRecord& record) {
  const bool stored =
      options_.stores && !record.history.empty() && record.history.back().disposition == Disposition::kStored;
  if (!stored) return;
  const Timestamp now = clock_.Now();
  if (record.captured_at) since_captured_.Observe(SecondsBetween(*record.captured_at, now));
  since_ingested_.Observe(SecondsBetween(record.ingested_at, now));
}

void StageProbe::Aborted(std::string_view) { aborts_.Add(); }

void StageProbe::Took(stream::StageStep step, std::chrono::nanoseconds time) {
  steps_.at(static_cast<std::size_t>(step)).Observe(std::chrono::duration<double>(time).count());
}

void StageProbe::InFlight(std::uint64_t bytes) { in_flight_.Set(static_cast<double>(bytes)); }

void StageProbe::Lag(const std::string& topic, int partition, std::uint64_t records) {
  lag_.At(LagLabels(topic, partition)).Set(static_cast<double>(records));
}

void StageProbe::Revoked(const std::string& topic, int partition) {
  lag_.Remove(LagLabels(topic, partition));
  for (GaugeFamily* family : {&restore_, &state_entries_, &state_disk_, &state_memory_,
                              &state_pending_compaction_, &state_writes_stopped_, &index_entries_,
                              &index_memory_, &index_disk_}) {
    family->Remove(PartitionLabels(partition));
  }
}

void StageProbe::Restoring(int partition, std::uint64_t done, std::uint64_t of) {
  const std::uint64_t remaining = of > done ? of - done : 0;
  restore_.At(PartitionLabels(partition)).Set(static_cast<double>(remaining));
}

void StageProbe::Lost(stream::Loss loss, std::uint64_t records) {
  lost_.At(With({{"reason", std::string(stream::Name(loss))}})).Add(static_cast<double>(records));
}

void StageProbe::StateIs(int partition, const stream::StateFigures& figures) {
  const Labels labels = PartitionLabels(partition);
  const auto set = [&labels](GaugeFamily& family, std::uint64_t value) {
    family.At(labels).Set(static_cast<double>(value));
  };
  set(state_entries_, figures.entries);
  set(state_disk_, figures.disk_bytes);
  set(state_memory_, figures.memory_bytes);
  set(state_pending_compaction_, figures.pending_compaction_bytes);
  set(state_writes_stopped_, figures.writes_stopped ? 1 : 0);
}

void StageProbe::ViewIs(int partition, const stream::ViewFigures& figures) {
  const Labels labels = PartitionLabels(partition);
  index_entries_.At(labels).Set(static_cast<double>(figures.entries));
  index_memory_.At(labels).Set(static_cast<double>(figures.memory_bytes));
  index_disk_.At(labels).Set(static_cast<double>(figures.disk_bytes));
}

void StageProbe::PartsOpen(std::uint64_t parts, std::chrono::nanoseconds oldest) {
  if (!options_.stores) return;
  parts_open_.Set(static_cast<double>(parts));
  part_oldest_open_.Set(parts == 0 ? 0 : std::chrono::duration<double>(oldest).count());
}

void StageProbe::PartsPublished(std::uint64_t parts) {
  if (options_.stores) parts_published_.Add(static_cast<double>(parts));
}

void StageProbe::Fenced() {
  fenced_.Set(1);
  Stopping();
}

void StageProbe::Is(const stream::Condition& condition) {
  const auto set = [this](const char* check, bool holds) {
    ready_.At(With({{"check", check}})).Set(holds ? 1 : 0);
  };
  set("assigned", condition.assigned);
  set("restored", condition.restored);
  set("reachable", condition.reachable);
}

void StageProbe::Stopping() { ready_.At(With({{"check", "running"}})).Set(0); }

}  // namespace winnow::telemetry
