// The metrics every stage tells, from what its runner tells. Their list: README.md.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::telemetry {

struct StageProbeOptions {
  std::string stage;    // label of all its series
  std::string version;  // of the program
  std::vector<std::string> dead_reasons;  // closed set of the runner
  // The end of the pipeline: tells how old an image is when it is stored, and of the output's parts.
  bool stores = false;
  std::size_t lanes = 0;  // records judged at a time, at most; 0: not told
};

// All series of closed sets are there from the start, at 0, so that a rate over the first event is
// a rate. Thread-safe. `metrics` and `clock` must outlive it; one probe per Metrics.
class StageProbe : public stream::StageObserver {
 public:
  StageProbe(StageProbeOptions options, Metrics& metrics, const Clock& clock);

  void Committed(const stream::BatchReport& batch) override;
  // Stored records only: how long they took since they were captured and since they came in.
  void Concluded(const record::ImageRecord& record) override;
  bool WantsConcluded(const record::ImageRecord&) const override { return options_.stores; }
  void Aborted(std::string_view why) override;
  void Took(stream::StageStep step, std::chrono::nanoseconds time) override;
  void InFlight(std::uint64_t bytes) override;
  void Lag(const std::string& topic, int partition, std::uint64_t records) override;
  void Revoked(const std::string& topic, int partition) override;
  void Restoring(int partition, std::uint64_t done, std::uint64_t of) override;
  void Lost(stream::Loss loss, std::uint64_t records) override;
  void StateIs(int partition, const stream::StateFigures& figures) override;
  void ViewIs(int partition, const stream::ViewFigures& figures) override;
  void PartsOpen(std::uint64_t parts, std::chrono::nanoseconds oldest) override;
  void PartsPublished(std::uint64_t parts) override;
  // No longer running, either.
  void Fenced() override;
  void Is(const stream::Condition& condition) override;
  // The process was asked to stop.
  void Stopping();

 private:
  using Fate = std::pair<record::Disposition, record::Reason>;

  Labels With(Labels labels) const;
  Labels FateLabels(const Fate& fate) const;
  Labels PartitionLabels(int partition) const;
  Labels LagLabels(const std::string& topic, int partition) const;
  void MakeRecordSeries();
  void MakeStepSeries(Metrics& metrics);
  void MakeOutputSeries(Metrics& metrics);

  const StageProbeOptions options_;
  const Clock& clock_;
  CounterFamily records_;
  CounterFamily settled_;
  GaugeFamily lag_;
  GaugeFamily restore_;
  GaugeFamily ready_;
  CounterFamily lost_;
  GaugeFamily state_entries_;
  GaugeFamily state_disk_;
  GaugeFamily state_memory_;
  GaugeFamily state_pending_compaction_;
  GaugeFamily state_writes_stopped_;
  GaugeFamily index_entries_;
  GaugeFamily index_memory_;
  GaugeFamily index_disk_;
  Counter received_;
  Counter received_bytes_;
  Counter commits_;
  Counter aborts_;
  Gauge in_flight_;
  Gauge fenced_;
  Histogram batch_records_;
  // Of a stage that stores; else they take no calls.
  Gauge parts_open_;
  Gauge part_oldest_open_;
  Counter parts_published_;
  Histogram since_captured_;
  Histogram since_ingested_;
  std::array<Histogram, std::size(stream::kAllStageSteps)> steps_;
  // Written by the constructor only; other pairs are looked up in the family.
  std::map<Fate, Counter> by_fate_;
  std::map<std::string, Counter> dead_;
};

}  // namespace winnow::telemetry
