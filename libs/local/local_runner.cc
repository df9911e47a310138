#include "libs/local/local_runner.h"

#include <fmt/format.h>

#include <deque>
#include <thread>

#include "libs/base/check.h"
#include "libs/local/in_flight_budget.h"
#include "libs/local/lane_pool.h"
#include "libs/local/ledger.h"
#include "libs/local/stage_chain.h"
#include "libs/record/superseded.h"
#include "libs/state/overlay.h"

namespace winnow::local {
namespace {

using record::Disposition;
using record::ImageRecord;

// Enough that one slow image does not idle the other lanes, few enough that a stop is prompt.
constexpr std::size_t kRecordsInFlightPerLane = 16;

bool IsSet(const std::atomic<bool>* flag) { return flag != nullptr && flag->load(); }

bool EndedAs(const ImageRecord& record, Disposition disposition) {
  return !record.history.empty() && record.history.back().disposition == disposition;
}

// Reads the source on its own thread and hands entries to the lanes as the budget allows.
class Feeder {
 public:
  Feeder(const Pipeline& pipeline, const RunOptions& options, const Ledger& ledger,
         std::uint64_t first_sequence, InFlightBudget& budget, LanePool& lanes)
      : source_(*pipeline.source), options_(options), ledger_(ledger), sequence_(first_sequence),
        budget_(budget), lanes_(lanes), thread_([this] { Feed(); }) {}

  ~Feeder() {
    budget_.Close();
    thread_.join();
  }
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  // After the lanes have ended.
  const Status& status() const { return status_; }
  std::uint64_t already_done() const { return already_done_; }
  bool stopped() const { return stopped_; }

 private:
  void Feed() {
    status_ = FeedAll();
    lanes_.Finish();
  }

  Status FeedAll() {
    while (true) {
      stopped_ = IsSet(options_.stop);
      if (stopped_) return {};
      WINNOW_ASSIGN_OR_RETURN(std::optional<stream::SourceEntry> entry, source_.Next());
      if (!entry) return {};
      WINNOW_ASSIGN_OR_RETURN(const bool done, ledger_.IsDone(entry->name, entry->version));
      if (done) {
        ++already_done_;
        continue;
      }
      if (!budget_.Acquire(entry->bytes)) return {};
      lanes_.Submit(sequence_++, std::move(*entry));
    }
  }

  stream::Source& source_;
  const RunOptions& options_;
  const Ledger& ledger_;
  std::uint64_t sequence_;
  InFlightBudget& budget_;
  LanePool& lanes_;
  Status status_;
  std::uint64_t already_done_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

// The collection-ordered half: one thread, records in source order, commits.
class Collector {
 public:
  Collector(const Pipeline& pipeline, const RunOptions& options, StageOverlays& overlays,
            state::Overlay& ledger_state, StageChain chain, Totals totals,
            std::uint64_t first_sequence)
      : pipeline_(pipeline), options_(options), overlays_(overlays), ledger_state_(ledger_state),
        ledger_(ledger_state), chain_(std::move(chain)), totals_(std::move(totals)),
        end_sequence_(first_sequence) {}

  // Takes a record through the remaining stages, into the output and into the pending batch.
  Status Take(std::uint64_t sequence, LaneResult result) {
    WINNOW_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> known,
                            ledger_.SequenceOf(result.record.id));
    if (known) {
      // The same file under a new modification time: decided already, only the version is new.
      WriteLedger(sequence, {DoneWrite(result.entry.name, result.entry.version, *known)});
    } else {
      WINNOW_RETURN_IF_ERROR(Decide(sequence, result));
    }
    end_sequence_ = sequence + 1;
    pending_bytes_ += result.entry.bytes;
    ++pending_records_;
    if (pending_records_ < options_.commit_records && pending_bytes_ < options_.commit_bytes) {
      return {};
    }
    return Commit();
  }

  Status Commit() {
    At(CommitPoint::kBeforePrepare);
    WINNOW_ASSIGN_OR_RETURN(std::vector<stream::StateWrite> output_writes,
                            pipeline_.output->Prepare());
    if (!batch_.empty() || !output_writes.empty()) {
      WriteLedger(end_sequence_, {TotalsWrite(totals_), NextSequenceWrite(end_sequence_)});
      for (stream::StateWrite& write : output_writes) {
        batch_.push_back({std::string(stream::kOutputFamily), std::move(write)});
      }
      At(CommitPoint::kBeforeCommit);
      WINNOW_RETURN_IF_ERROR(pipeline_.store->Commit(batch_));
      ++commits_;
    }
    overlays_.Committed(end_sequence_);
    ledger_state_.Committed(end_sequence_ + 1);
    batch_.clear();
    pending_records_ = pending_bytes_ = 0;
    At(CommitPoint::kBeforePublish);
    WINNOW_RETURN_IF_ERROR(pipeline_.output->Publish());
    At(CommitPoint::kAfterPublish);
    return {};
  }

  // After the last record. False if `stop` was set before all was done; the next run goes on.
  Result<bool> Finish() {
    WINNOW_RETURN_IF_ERROR(pipeline_.output->Seal());
    WINNOW_RETURN_IF_ERROR(Commit());
    while (true) {
      WINNOW_ASSIGN_OR_RETURN(const bool took_out, pipeline_.output->TakeOut());
      if (!took_out) return true;
      WINNOW_RETURN_IF_ERROR(Commit());
      if (IsSet(options_.stop)) return false;
    }
  }

  const Totals& totals() const { return totals_; }
  std::uint64_t commits() const { return commits_; }

 private:
  struct Waiting {
    ImageRecord record;
    std::size_t stage;
    std::uint64_t sequence;  // of the record, not of the one that set it free
  };

  Status Decide(std::uint64_t sequence, LaneResult& result) {
    WriteLedger(sequence, {DoneWrite(result.entry.name, result.entry.version, sequence)});
    for (const StageStep& step : result.steps) Note(step);
    std::deque<Waiting> waiting;
    if (result.steps.empty() || result.steps.back().disposition == Disposition::kForwarded) {
      waiting.push_back({std::move(result.record), result.steps.size(), sequence});
    } else {
      WriteLedger(sequence, RecordWrites(sequence, result.record));
    }
    while (!waiting.empty()) {
      Waiting next = std::move(waiting.front());
      waiting.pop_front();
      WINNOW_RETURN_IF_ERROR(Advance(sequence, std::move(next), waiting));
    }
    return {};
  }

  // One record through one stage.
  Status Advance(std::uint64_t now_at, Waiting item, std::deque<Waiting>& waiting) {
    WINNOW_ASSIGN_OR_RETURN(stream::Outcome outcome,
                            chain_.Process(item.stage, now_at, std::move(item.record)));
    Note({item.stage, outcome.disposition, outcome.reason, std::move(outcome.writes)});
    WINNOW_RETURN_IF_ERROR(Settle(now_at, item.stage, item.sequence, outcome.disposition,
                                  std::move(outcome.record), waiting));
    for (stream::Settlement& settled : outcome.settled) {
      WINNOW_RETURN_IF_ERROR(Resettle(now_at, item.stage, std::move(settled), waiting));
    }
    return {};
  }

  Status Resettle(std::uint64_t now_at, std::size_t stage, stream::Settlement settled,
                  std::deque<Waiting>& waiting) {
    WINNOW_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> sequence,
                            ledger_.SequenceOf(settled.record.id));
    WINNOW_ASSIGN_OR_RETURN(const std::optional<ImageRecord> before,
                            ledger_.Find(settled.record.id));
    if (!sequence || !before || !EndedAs(*before, Disposition::kDeferred)) {
      return BugError(fmt::format("stage '{}' settled record {}, which it had not deferred",
                                  pipeline_.stages[stage].name, settled.record.id.value()));
    }
    totals_.Resettle(pipeline_.stages[stage].name,
                     {Disposition::kDeferred, before->history.back().reason},
                     {settled.disposition, settled.reason});
    return Settle(now_at, stage, *sequence, settled.disposition, std::move(settled.record),
                  waiting);
  }

  // Sends a judged record on, or to its rest.
  Status Settle(std::uint64_t now_at, std::size_t stage, std::uint64_t sequence,
                Disposition disposition, ImageRecord record, std::deque<Waiting>& waiting) {
    if (disposition == Disposition::kForwarded) {
      waiting.push_back({std::move(record), stage + 1, sequence});
      return {};
    }
    if (disposition == Disposition::kStored) {
      WINNOW_RETURN_IF_ERROR(pipeline_.output->Append(record));
      WINNOW_RETURN_IF_ERROR(Supersede(now_at, record));
    }
    WriteLedger(now_at, RecordWrites(sequence, record));
    return {};
  }

  // Gives up what is stored of the records whose place `by` takes. Others never came this far, or
  // were settled on their way.
  Status Supersede(std::uint64_t now_at, const ImageRecord& by) {
    if (!by.duplicate) return {};
    for (const RecordId& id : by.duplicate->replaces) {
      WINNOW_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> sequence, ledger_.SequenceOf(id));
      WINNOW_ASSIGN_OR_RETURN(std::optional<ImageRecord> stored, ledger_.Find(id));
      if (!sequence || !stored || !EndedAs(*stored, Disposition::kStored)) continue;
      record::StageVerdict verdict =
          record::SupersededVerdict(stored->history.back().stage, *stored, by);
      WINNOW_RETURN_IF_ERROR(
          TakeOut(now_at, *sequence, std::move(*stored), std::move(verdict)));
    }
    return {};
  }

  // Ends a stored record by another verdict of the stage that stored it.
  Status TakeOut(std::uint64_t now_at, std::uint64_t sequence, ImageRecord stored,
                 record::StageVerdict verdict) {
    WINNOW_RETURN_IF_ERROR(pipeline_.output->Remove(stored));
    totals_.Resettle(verdict.stage, {Disposition::kStored, stored.history.back().reason},
                     {verdict.disposition, verdict.reason});
    stored.placement.reset();
    stored.history.push_back(std::move(verdict));
    WriteLedger(now_at, RecordWrites(sequence, stored));
    return {};
  }

  void Note(const StageStep& step) {
    const std::string& stage = pipeline_.stages[step.stage].name;
    totals_.Count(stage, step.disposition, step.reason);
    for (const stream::StateWrite& write : step.writes) AddToBatch(stage, write);
  }

  void WriteLedger(std::uint64_t sequence, const std::vector<stream::StateWrite>& writes) {
    ledger_state_.Apply(sequence, writes);
    for (const stream::StateWrite& write : writes) AddToBatch(kLedgerFamily, write);
  }

  void AddToBatch(std::string_view family, const stream::StateWrite& write) {
    pending_bytes_ += write.key.size() + (write.value ? write.value->size() : 0);
    batch_.push_back({std::string(family), write});
  }

  void At(CommitPoint point) const {
    if (options_.at_commit_point) options_.at_commit_point(point);
  }

  const Pipeline& pipeline_;
  const RunOptions& options_;
  StageOverlays& overlays_;
  state::Overlay& ledger_state_;
  const Ledger ledger_;
  StageChain chain_;
  Totals totals_;
  state::WriteBatch batch_;
  std::uint64_t end_sequence_;
  std::uint64_t pending_records_ = 0;
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t commits_ = 0;
};

// One lane: loads an entry and takes it through its own processors.
LaneTask MakeLane(const stream::Source& source, std::shared_ptr<StageChain> chain,
                  Timestamp now) {
  return [&source, chain = std::move(chain), now](
             std::uint64_t sequence, const stream::SourceEntry& entry) -> Result<LaneResult> {
    LaneResult result;
    result.entry = entry;
    WINNOW_ASSIGN_OR_RETURN(result.record, source.Load(entry));
    result.record.ingested_at = now;
    for (std::size_t stage = 0; stage < chain->size(); ++stage) {
      WINNOW_ASSIGN_OR_RETURN(stream::Outcome outcome,
                              chain->Process(stage, sequence, std::move(result.record)));
      WINNOW_CHECK(outcome.settled.empty());  // lanes know no other record
      result.record = std::move(outcome.record);
      result.steps.push_back(
          {stage, outcome.disposition, outcome.reason, std::move(outcome.writes)});
      if (outcome.disposition != Disposition::kForwarded) break;
    }
    result.record.attachment.reset();
    return result;
  };
}

// The start of the first run on this state; recorded now if this is the first.
Result<Timestamp> StartOf(const Ledger& ledger, state::StateStore& store, Timestamp now) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<Timestamp> start, ledger.Start());
  if (start) return *start;
  WINNOW_RETURN_IF_ERROR(store.Commit({{std::string(kLedgerFamily), StartWrite(now)}}));
  return now;
}

}  // namespace

std::vector<std::string> StateFamilies(const std::vector<StagePlan>& stages) {
  std::vector<std::string> families = {std::string(kLedgerFamily),
                                       std::string(stream::kOutputFamily)};
  for (const StagePlan& stage : stages) families.push_back(stage.name);
  return families;
}

Result<RunResult> RunLocally(const Pipeline& pipeline, const RunOptions& options) {
  const auto output_state = state::ViewOf(*pipeline.store, std::string(stream::kOutputFamily));
  WINNOW_RETURN_IF_ERROR(pipeline.output->Recover(*output_state));

  state::Overlay ledger_state(*pipeline.store, std::string(kLedgerFamily));
  const Ledger ledger(ledger_state);
  WINNOW_ASSIGN_OR_RETURN(const Timestamp now, StartOf(ledger, *pipeline.store, options.now));
  WINNOW_ASSIGN_OR_RETURN(Totals totals, ledger.ReadTotals());
  WINNOW_ASSIGN_OR_RETURN(const std::uint64_t first_sequence, ledger.NextSequence());

  StageOverlays overlays(*pipeline.store, pipeline.stages);
  WINNOW_ASSIGN_OR_RETURN(const std::size_t lane_stages, CountLaneStages(pipeline.stages));
  const std::size_t lane_count = std::max<std::size_t>(options.lanes, 1);
  std::vector<LaneTask> lanes;
  for (std::size_t lane = 0; lane < lane_count; ++lane) {
    WINNOW_ASSIGN_OR_RETURN(StageChain chain, StageChain::Open(pipeline.stages, 0, lane_stages,
                                                               overlays, now));
    lanes.push_back(
        MakeLane(*pipeline.source, std::make_shared<StageChain>(std::move(chain)), now));
  }
  WINNOW_ASSIGN_OR_RETURN(StageChain ordered,
                          StageChain::Open(pipeline.stages, lane_stages, pipeline.stages.size(),
                                           overlays, now));

  Collector collector(pipeline, options, overlays, ledger_state, std::move(ordered),
                      std::move(totals), first_sequence);
  InFlightBudget budget(options.max_bytes_in_flight, lane_count * kRecordsInFlightPerLane);
  LanePool pool(std::move(lanes));
  Feeder feeder(pipeline, options, ledger, first_sequence, budget, pool);

  std::uint64_t sequence = first_sequence;
  while (std::optional<Result<LaneResult>> result = pool.Next()) {
    if (!*result) {
      // What came before is decided and safe: keep it.
      WINNOW_RETURN_IF_ERROR(collector.Commit());
      return result->error();
    }
    const std::uint64_t bytes = (*result)->entry.bytes;
    WINNOW_RETURN_IF_ERROR(collector.Take(sequence++, std::move(**result)));
    budget.Release(bytes);
    if (options.on_progress) options.on_progress(collector.totals());
  }
  WINNOW_RETURN_IF_ERROR(feeder.status());
  bool stopped = feeder.stopped();
  if (stopped) {
    WINNOW_RETURN_IF_ERROR(collector.Commit());
  } else {
    WINNOW_ASSIGN_OR_RETURN(const bool finished, collector.Finish());
    stopped = !finished;
  }
  return RunResult{.totals = collector.totals(),
                   .processed = sequence - first_sequence,
                   .already_done = feeder.already_done(),
                   .commits = collector.commits(),
                   .peak_bytes_in_flight = budget.peak_bytes(),
                   .stopped = stopped};
}

}  // namespace winnow::local
