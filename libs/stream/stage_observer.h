// What a runner tells of its work while it works: the seam between runners and metrics, logs and
// health. Runners know no Prometheus; probes know no broker.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/record/image_record.h"
#include "libs/record/reason.h"
#include "libs/stream/partition_output.h"
#include "libs/stream/processor.h"

namespace winnow::stream {

// Parts of a stage's time.
enum class StageStep { kDecode, kProcess, kFetch, kProduce, kCommit, kEncode, kState };

inline constexpr StageStep kAllStageSteps[] = {
    StageStep::kDecode, StageStep::kProcess, StageStep::kFetch, StageStep::kProduce,
    StageStep::kCommit, StageStep::kEncode,  StageStep::kState};

// Of a record. "decode": from its wire form; "process": the processor; "encode": to its wire form;
// "fetch": payload bytes from or to the blob store.
// Of a batch. "produce": until the broker has it; "commit": until it is committed; "state": until
// what it changed is on disk.
std::string_view Name(StageStep step);

// What one committed batch did. Told after the commit only, so that nothing is counted twice or
// for nothing: received = sum of outcomes + dead.
struct BatchReport {
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;  // of messages
  // In images.dead, by the name of the reason (libs/kafka/headers.h).
  std::map<std::string, std::uint64_t> dead;
  std::map<std::pair<record::Disposition, record::Reason>, std::uint64_t> outcomes;
  // Records deferred by earlier batches whose fate this one decided.
  std::map<std::pair<record::Disposition, record::Reason>, std::uint64_t> settled;
};

// kInfo: as it should be. kWarning: odd, but nothing lost. kError: something is lost or an
// operator must act.
enum class Severity { kInfo, kWarning, kError };

// What makes a service ready. All three must hold.
struct Condition {
  bool assigned = false;   // the group has given it its partitions, which may be none
  bool restored = false;   // the state of all of them is rebuilt
  bool reachable = false;  // a broker answers
  std::string why = {};    // what the broker's client complains of; empty while reachable
  friend bool operator==(const Condition&, const Condition&) = default;
};

// Why records never reached the stage that should have read them.
enum class Loss {
  kRetention,  // the broker deleted them first
};

inline constexpr Loss kAllLosses[] = {Loss::kRetention};

std::string_view Name(Loss loss);  // "retention"

// What the state of one partition weighs, as its store tells it: all of it approximate.
struct StateFigures {
  std::uint64_t entries = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t pending_compaction_bytes = 0;  // still to be rewritten to stay fast
  bool writes_stopped = false;                 // the store lets nobody write until it has caught up
};

using EventFields = std::vector<std::pair<std::string, std::string>>;

// Every function has an empty default. Calls come from several threads at once; implementations
// must be thread-safe and quick.
class StageObserver {
 public:
  virtual ~StageObserver() = default;

  virtual void Committed(const BatchReport&) {}
  // Each record of a committed batch with its last verdict, payload bytes gone: for figures of one
  // service (progress, divergence).
  virtual void Concluded(const record::ImageRecord&) {}
  // Whether Concluded would do anything with this one. Asked before the commit, by a runner that
  // would have to keep the record until then: what nobody wants is not kept.
  virtual bool WantsConcluded(const record::ImageRecord&) const { return true; }
  virtual void Aborted(std::string_view /*why*/) {}
  virtual void Took(StageStep, std::chrono::nanoseconds) {}
  virtual void InFlight(std::uint64_t /*bytes*/) {}
  // Records of the topic's partition after the last one committed.
  virtual void Lag(const std::string& /*topic*/, int /*partition*/, std::uint64_t /*records*/) {}
  // The partition is no longer ours: its gauges go.
  virtual void Revoked(const std::string& /*topic*/, int /*partition*/) {}
  virtual void Restoring(int /*partition*/, std::uint64_t /*done*/, std::uint64_t /*of*/) {}
  // Gone for ever, before this stage could read them.
  virtual void Lost(Loss, std::uint64_t /*records*/) {}
  // Every few seconds, of each partition that is ours; ends with Revoked.
  virtual void StateIs(int /*partition*/, const StateFigures&) {}
  // Beside it, of processors that hold a view of their state.
  virtual void ViewIs(int /*partition*/, const ViewFigures&) {}
  // The output's parts that are written to and not yet published, and since when the oldest is.
  virtual void PartsOpen(std::uint64_t /*parts*/, std::chrono::nanoseconds /*oldest*/) {}
  virtual void PartsPublished(std::uint64_t /*parts*/) {}
  // Records that were stored and no longer are: better copies took their place. Those that had
  // never been published are among them.
  virtual void TookOut(const TakenOut&) {}
  // Another process of this one's name took over: this one ends.
  virtual void Fenced() {}
  virtual void Is(const Condition&) {}
  virtual void Event(Severity, std::string_view /*message*/, const EventFields&) {}
};

}  // namespace winnow::stream
