#include "services/winnow/eval_stream.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/digest.h"
#include "libs/base/mutex.h"
#include "libs/base/whole_file.h"
#include "libs/local/ledger.h"
#include "libs/local/local_runner.h"
#include "libs/state/state_store.h"
#include "libs/stream/output.h"
#include "services/winnow/wiring.h"

namespace winnow::cli {
namespace {

using record::ImageRecord;
using record::Reason;

std::string NameOf(std::size_t index) { return fmt::format("{:06}", index); }

std::size_t IndexOf(const std::string& name) {
  std::size_t index = 0;
  std::from_chars(name.data(), name.data() + name.size(), index);
  return index;
}

// Keeps the fingerprints the validator makes: the deduper gives up what it needs no more.
class Witness {
 public:
  explicit Witness(std::size_t pictures) : fingerprints_(pictures) {}

  void See(const ImageRecord& record) {
    const MutexLock lock(mutex_);
    fingerprints_[IndexOf(record.source.path)] = record.fingerprint;
  }
  eval::Fingerprints Take() {
    const MutexLock lock(mutex_);
    return std::move(fingerprints_);
  }

 private:
  Mutex mutex_;
  eval::Fingerprints fingerprints_ WINNOW_GUARDED_BY(mutex_);
};

class WatchedValidator : public stream::Processor {
 public:
  WatchedValidator(std::unique_ptr<stream::Processor> validator, Witness& witness)
      : validator_(std::move(validator)), witness_(witness) {}
  std::string_view name() const override { return validator_->name(); }
  stream::OrderingScope scope() const override { return validator_->scope(); }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView& state,
                                  Timestamp now) override {
    auto outcome = validator_->Process(std::move(record), state, now);
    if (outcome) witness_.See(outcome->record);
    return outcome;
  }

 private:
  const std::unique_ptr<stream::Processor> validator_;
  Witness& witness_;
};

// What is stored is only counted.
class NoOutput : public stream::Output {
 public:
  Status Recover(const stream::StateView&) override { return {}; }
  Status Append(ImageRecord&) override { return {}; }
  Status Remove(const ImageRecord&) override { return {}; }
  Status Seal() override { return {}; }
  Result<bool> TakeOut() override { return false; }
  Result<std::vector<stream::StateWrite>> Prepare() override {
    return std::vector<stream::StateWrite>();
  }
  Status Publish() override { return {}; }
};

spec::CollectionSpec SpecFor(const eval::LabelledSet& set, const spec::DedupPolicy& policy) {
  spec::CollectionSpec spec;
  spec.collection = CollectionId("evaluation");
  spec.digest = set.name;
  spec.validate.min_side = 1;
  spec.validate.max_aspect_ratio = 1e6;
  spec.validate.min_brightness = 0;
  spec.validate.max_brightness = 1;
  spec.validate.min_sharpness = 0;
  spec.validate.max_noise = 255;
  spec.validate.min_entropy = 0;
  spec.validate.max_blockiness = 1e6;
  spec.privacy.faces = false;
  spec.dedup.exact = policy.exact;
  spec.dedup.max_distance = policy.max_distance;
  spec.dedup.min_quality = policy.min_quality;
  spec.dedup.mirrored = policy.mirrored;
  spec.dedup.rotated = policy.rotated;
  return spec;
}

Result<std::vector<local::StagePlan>> StagesFor(const spec::CollectionSpec& spec,
                                                Witness& witness) {
  WINNOW_ASSIGN_OR_RETURN(std::vector<local::StagePlan> stages, PlanStages(spec, ""));
  stages.front().factory = [make = stages.front().factory,
                            &witness]() -> Result<std::unique_ptr<stream::Processor>> {
    WINNOW_ASSIGN_OR_RETURN(auto validator, make());
    return std::unique_ptr<stream::Processor>(
        std::make_unique<WatchedValidator>(std::move(validator), witness));
  };
  return stages;
}

bool IsDuplicate(const ImageRecord& record) {
  const Reason reason = record.history.back().reason;
  return reason == Reason::kExactDuplicate || reason == Reason::kNearDuplicate;
}

// Every record is in the ledger under the id it was loaded with.
Result<eval::Fate> FateOf(const ImageRecord& record, const local::Ledger& ledger) {
  using Kind = eval::Fate::Kind;
  if (record.history.back().disposition == record::Disposition::kStored) {
    return eval::Fate{Kind::kKept};
  }
  if (!IsDuplicate(record)) return eval::Fate{Kind::kUnread};
  WINNOW_ASSIGN_OR_RETURN(const auto earlier, ledger.Find(record.duplicate->of));
  if (!earlier) return BugError("a record was dropped for one that is not there");
  return eval::Fate{Kind::kDropped, IndexOf(earlier->source.path)};
}

Status ReadFates(const state::StateStore& store, StreamedSet& streamed) {
  const auto view = state::ViewOf(store, std::string(local::kLedgerFamily));
  const local::Ledger ledger(*view);
  Status judged;
  WINNOW_RETURN_IF_ERROR(ledger.ForEach([&](const ImageRecord& record) {
    const std::size_t index = IndexOf(record.source.path);
    const Result<eval::Fate> fate = FateOf(record, ledger);
    if (!fate) {
      judged = fate.error();
      return false;
    }
    streamed.fates[index] = *fate;
    streamed.records[index] = record;
    return true;
  }));
  return judged;
}

}  // namespace

Result<std::optional<stream::SourceEntry>> SetSource::Next() {
  if (next_ == set_.pictures.size()) return std::optional<stream::SourceEntry>();
  stream::SourceEntry entry;
  entry.name = NameOf(next_++);
  return std::optional(std::move(entry));
}

Result<ImageRecord> SetSource::Load(const stream::SourceEntry& entry) const {
  const std::string& name = set_.pictures.at(IndexOf(entry.name)).file;
  ImageRecord record;
  record.source.id = SourceId(set_.name);
  record.source.path = entry.name;
  auto read = ReadWholeFile(set_.folder + "/" + name);
  if (!read) {
    record.source_fault = Reason::kUnreadable;
    record.source_fault_detail = name + ": cannot be read";
  }
  std::string bytes = std::move(read).value_or("");
  const Sha256Digest sha256 = Sha256(bytes);
  record.id = record::DeriveRecordId(record.source.id, entry.name, sha256);
  record.payload = record::RawPayload{{SharedBytes(std::move(bytes)), "", sha256}};
  return record;
}

Result<StreamedSet> StreamSet(const eval::LabelledSet& set, const spec::DedupPolicy& policy,
                              std::size_t threads) {
  Witness witness(set.pictures.size());
  SetSource source(set);
  NoOutput output;
  const auto store = state::NewMemoryStore();
  WINNOW_ASSIGN_OR_RETURN(const auto stages, StagesFor(SpecFor(set, policy), witness));
  local::RunOptions options;
  options.lanes = threads;
  options.now = SystemClock().Now();
  WINNOW_ASSIGN_OR_RETURN(const local::RunResult run,
                          local::RunLocally({&source, stages, &output, store.get()}, options));
  StreamedSet streamed;
  streamed.fates.resize(set.pictures.size());
  streamed.records.resize(set.pictures.size());
  WINNOW_RETURN_IF_ERROR(ReadFates(*store, streamed));
  streamed.fingerprints = witness.Take();
  return streamed;
}

}  // namespace winnow::cli
