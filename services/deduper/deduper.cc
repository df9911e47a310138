#include "services/deduper/deduper.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <utility>
#include <variant>

#include "libs/record/quality_rank.h"
#include "services/deduper/core.h"
#include "services/deduper/forgetting.h"
#include "services/deduper/remembered.h"
#include "services/deduper/seen_filter.h"
#include "services/deduper/state_entries.h"

namespace winnow::deduper {
namespace {

using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using stream::StateView;
using stream::StateWrite;

// One arrival adds one record and one decision; taking off more than that catches up.
constexpr std::size_t kForgottenAtOnce = 256;
// What the index takes is added up over all its parts, some 150 arrays.
constexpr std::uint64_t kRecordsPerTelling = 64;

// What the decision about a record rests on, apart from state.
Status CheckInput(const ImageRecord& record) {
  if (record.id.empty()) return InputError("a record without id cannot be told from others");
  if (std::holds_alternative<record::RawPayload>(record.payload)) {
    return BugError("the deduper was given unredacted bytes: " + record.id.value());
  }
  const record::PayloadContent* content = ContentOf(record.payload);
  if (content == nullptr || content->sha256 == Sha256Digest{}) {
    return InputError("a record without content digest cannot be compared: " + record.id.value());
  }
  return {};
}

class Deduper : public stream::Processor {
 public:
  Deduper(const spec::CollectionSpec& spec, HammingIndex::Options index)
      : policy_(spec.dedup),
        collection_(spec.collection),
        spec_digest_(spec.digest),
        index_options_(std::move(index)),
        forgetting_(spec.dedup.window_seconds) {}

  std::string_view name() const override { return "deduper"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  record::Extent sees() const override { return record::Extent::kOutline; }

  Status Open(const StateView& state) override;
  Result<Outcome> Process(ImageRecord record, const StateView& state, Timestamp now) override;
  Result<std::vector<StateWrite>> Forget(const RecordId& id, const StateView& state) override;
  stream::ViewFigures View() const override;

 private:
  // A record as the decision sees it.
  struct Subject {
    Traits traits;
    std::string scope;
    std::int64_t period = 0;
  };

  Status RestoreKept(const StateView& state);
  Status RestorePeriods(const StateView& state);
  Subject SubjectOf(const ImageRecord& record, Timestamp now) const;
  Status ForgetOld(const StateView& state, std::vector<StateWrite>& writes);
  Status ForgetDecisions(const StateView& state, std::vector<StateWrite>& writes);
  Status ForgetKept(std::uint64_t sequence, const StateView& state,
                    std::vector<StateWrite>& writes);

  Result<Kept> ReadKept(std::uint64_t sequence, const StateView& state) const;
  Result<Neighbour> Recall(const Remembered::Found& found, const StateView& state) const;
  Result<std::optional<Neighbour>> SameBytes(const ImageRecord& record, const Subject& subject,
                                             const StateView& state) const;
  Result<std::vector<Neighbour>> LookAlikes(const ImageRecord& record, const Subject& subject,
                                            const StateView& state) const;
  Result<Decision> Decide(const ImageRecord& record, const Subject& subject,
                          const StateView& state, std::vector<StateWrite>& writes);
  Result<std::uint64_t> Keep(const ImageRecord& record, const Subject& subject,
                             const Judgement& judgement, Timestamp burst_began,
                             std::vector<StateWrite>& writes);
  Outcome Conclude(ImageRecord record, const Judgement& judgement, Timestamp now) const;
  void NoteContent(const Sha256Digest& sha256);
  void TellMemory();

  const spec::DedupPolicy policy_;
  const CollectionId collection_;
  const std::string spec_digest_;
  const HammingIndex::Options index_options_;
  Forgetting forgetting_;
  std::unique_ptr<Remembered> remembered_;
  SeenFilter contents_;  // of kept records; not with a window, where they go while it would grow
  std::uint64_t next_sequence_ = 0;
  std::uint64_t processed_ = 0;
  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::uint64_t> memory_bytes_ = 0;
  std::atomic<std::uint64_t> disk_bytes_ = 0;
};

// ---- opening -----------------------------------------------------------------------------------

Status Deduper::Open(const StateView& state) {
  if (policy_.max_distance > HammingIndex::kMaxDistance) {
    return ConfigError(fmt::format("dedup.max_distance is {}; the largest is {}",
                                   policy_.max_distance, HammingIndex::kMaxDistance));
  }
  WINNOW_ASSIGN_OR_RETURN(remembered_, Remembered::Create(policy_, index_options_));
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> format, state.Get(kFormatKey));
  if (format) WINNOW_RETURN_IF_ERROR(CheckFormat(*format, policy_));
  WINNOW_RETURN_IF_ERROR(RestoreKept(state));
  WINNOW_RETURN_IF_ERROR(RestorePeriods(state));
  TellMemory();
  entries_ = remembered_->size();
  return {};
}

Status Deduper::RestoreKept(const StateView& state) {
  Status added;
  WINNOW_RETURN_IF_ERROR(
      state.Scan(kKeptPrefix, [&](std::string_view key, std::string_view value) {
        const Result<std::uint64_t> sequence = DecodeKeptKey(key);
        const Result<Kept> kept = DecodeKeptForView(value);
        if (!sequence) added = sequence.error();
        if (!kept) added = kept.error();
        if (!added) return false;
        next_sequence_ = *sequence + 1;
        NoteContent(kept->sha256);
        added = remembered_->Restore(*sequence, *kept);
        return added.has_value();
      }));
  WINNOW_RETURN_IF_ERROR(added);
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> next, state.Get(kNextSequenceKey));
  if (next) {
    WINNOW_ASSIGN_OR_RETURN(const std::uint64_t sequence, DecodeSequence(*next));
    next_sequence_ = std::max(next_sequence_, sequence);
  }
  return remembered_->Built();
}

Status Deduper::RestorePeriods(const StateView& state) {
  Status restored;
  WINNOW_RETURN_IF_ERROR(
      state.Scan(kPeriodPrefix, [&](std::string_view key, std::string_view) {
        const Result<std::int64_t> period = DecodePeriodKey(key);
        if (!period) restored = period.error();
        if (restored) forgetting_.Note(*period);
        return restored.has_value();
      }));
  return restored;
}

stream::ViewFigures Deduper::View() const {
  return {.entries = entries_, .memory_bytes = memory_bytes_, .disk_bytes = disk_bytes_};
}

void Deduper::NoteContent(const Sha256Digest& sha256) {
  if (!forgetting_.windowed()) contents_.Add(sha256);
}

void Deduper::TellMemory() {
  memory_bytes_ = remembered_->MemoryBytes() + contents_.MemoryBytes();
  disk_bytes_ = remembered_->DiskBytes();
}

// ---- forgetting --------------------------------------------------------------------------------

Status Deduper::ForgetOld(const StateView& state, std::vector<StateWrite>& writes) {
  if (!forgetting_.windowed()) return {};
  const std::int64_t first = forgetting_.FirstRemembered();
  for (const std::uint64_t sequence : remembered_->TakeOlderThan(first, kForgottenAtOnce)) {
    WINNOW_RETURN_IF_ERROR(ForgetKept(sequence, state, writes));
  }
  return ForgetDecisions(state, writes);
}

// Those of the periods that are over.
Status Deduper::ForgetDecisions(const StateView& state, std::vector<StateWrite>& writes) {
  std::size_t forgotten = 0;
  while (const std::optional<std::int64_t> over = forgetting_.OldestOver()) {
    WINNOW_RETURN_IF_ERROR(
        state.Scan(DecisionPrefix(*over), [&](std::string_view key, std::string_view) {
          writes.push_back({std::string(key), std::nullopt});
          return ++forgotten < kForgottenAtOnce;
        }));
    if (forgotten >= kForgottenAtOnce) return {};
    forgetting_.Drop(*over);
    writes.push_back({PeriodKey(*over), std::nullopt});
  }
  return {};
}

Status Deduper::ForgetKept(std::uint64_t sequence, const StateView& state,
                           std::vector<StateWrite>& writes) {
  WINNOW_ASSIGN_OR_RETURN(const Kept kept, ReadKept(sequence, state));
  remembered_->Forget(sequence);
  writes.push_back({KeptKey(sequence), std::nullopt});
  if (sequence + 1 == next_sequence_) {
    writes.push_back({std::string(kNextSequenceKey), EncodeSequence(next_sequence_)});
  }
  // A later record with the same bytes may have taken the entry over.
  const std::string content = ContentKey(kept.sha256, kept.scope);
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(content));
  if (entry == EncodeSequence(sequence)) writes.push_back({content, std::nullopt});
  return {};
}

// An erased image. What others were told because of it stays told.
Result<std::vector<StateWrite>> Deduper::Forget(const RecordId& id, const StateView& state) {
  std::vector<StateWrite> writes;
  std::set<std::int64_t> periods = forgetting_.periods();
  if (!forgetting_.windowed()) periods = {0};
  for (const std::int64_t period : periods) {
    const std::string key = DecisionKey(period, id);
    WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(key));
    if (!entry) continue;
    WINNOW_ASSIGN_OR_RETURN(const Decision decision, DecodeDecision(*entry));
    writes.push_back({key, std::nullopt});
    if (!decision.sequence) continue;
    // It may have been replaced or have aged meanwhile, or be told of twice.
    WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> kept,
                            state.Get(KeptKey(*decision.sequence)));
    if (!kept || !remembered_->Holds(*decision.sequence)) continue;
    WINNOW_RETURN_IF_ERROR(ForgetKept(*decision.sequence, state, writes));
  }
  TellMemory();
  entries_ = remembered_->size();
  return writes;
}

// ---- looking up --------------------------------------------------------------------------------

Deduper::Subject Deduper::SubjectOf(const ImageRecord& record, Timestamp now) const {
  Subject subject;
  // A clock that is ahead must not make everything look old.
  const Timestamp ingested = std::min(record.ingested_at, now);
  subject.traits.taken_at = record.captured_at.value_or(ingested);
  subject.traits.rank = record::QualityRank(record);
  if (record.source.temporal()) subject.traits.camera = record.source.id;
  if (policy_.scope != spec::DedupScope::kCollection) {
    subject.scope = spec::ScopeOf(policy_, collection_, record.source.id);
  }
  // What comes too late goes with the oldest: a period that is over would be searched for each.
  subject.period = std::max(forgetting_.PeriodOf(ingested), forgetting_.FirstRemembered());
  return subject;
}

Result<Kept> Deduper::ReadKept(std::uint64_t sequence, const StateView& state) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(KeptKey(sequence)));
  if (!entry) return CorruptStateError("the deduper's state has lost a kept record");
  return DecodeKept(*entry);
}

Result<Neighbour> Deduper::Recall(const Remembered::Found& found, const StateView& state) const {
  WINNOW_ASSIGN_OR_RETURN(Kept kept, ReadKept(found.sequence, state));
  return Neighbour{.sequence = found.sequence,
                   .id = std::move(kept.id),
                   .cluster = std::move(kept.cluster),
                   .traits = std::move(kept.traits),
                   .burst_began = kept.burst_began,
                   .distance = found.distance,
                   .turn = found.turn};
}

Result<std::optional<Neighbour>> Deduper::SameBytes(const ImageRecord& record,
                                                    const Subject& subject,
                                                    const StateView& state) const {
  const Sha256Digest& sha256 = ContentOf(record.payload)->sha256;
  if (!forgetting_.windowed() && !contents_.MayHold(sha256)) return std::optional<Neighbour>();
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry,
                          state.Get(ContentKey(sha256, subject.scope)));
  if (!entry) return std::optional<Neighbour>();
  WINNOW_ASSIGN_OR_RETURN(const std::uint64_t sequence, DecodeSequence(*entry));
  if (!remembered_->Holds(sequence)) return std::optional<Neighbour>();
  WINNOW_ASSIGN_OR_RETURN(Neighbour neighbour, Recall({.sequence = sequence}, state));
  const bool meets = !forgetting_.windowed() ||
                     IsWithin(neighbour.traits.taken_at, subject.traits.taken_at,
                              policy_.window_seconds);
  if (!meets && neighbour.id != record.id) return std::optional<Neighbour>();
  return std::optional<Neighbour>(std::move(neighbour));
}

Result<std::vector<Neighbour>> Deduper::LookAlikes(const ImageRecord& record,
                                                   const Subject& subject,
                                                   const StateView& state) const {
  std::vector<Neighbour> look_alikes;
  if (!Comparable(record.fingerprint, policy_)) return look_alikes;
  const Remembered::Realm realm = {subject.scope, subject.traits.taken_at};
  std::vector<Remembered::Found> found;
  // Only a replacement needs to know more than the nearest.
  if (policy_.keep != spec::Keep::kFirst) found = remembered_->Copies(*record.fingerprint, realm);
  if (found.empty()) {
    const auto nearest = remembered_->Nearest(*record.fingerprint, realm);
    if (nearest) found.push_back(*nearest);
  }
  for (const Remembered::Found& one : found) {
    WINNOW_ASSIGN_OR_RETURN(Neighbour neighbour, Recall(one, state));
    look_alikes.push_back(std::move(neighbour));
  }
  return look_alikes;
}

// ---- deciding ----------------------------------------------------------------------------------

Result<Decision> Deduper::Decide(const ImageRecord& record, const Subject& subject,
                                 const StateView& state, std::vector<StateWrite>& writes) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<Neighbour> same_bytes,
                          SameBytes(record, subject, state));
  // Its decision is forgotten, or was filed under another time of ingestion; itself it is not.
  if (same_bytes && same_bytes->id == record.id) {
    return Decision{{.cluster = same_bytes->cluster}, same_bytes->sequence};
  }
  std::vector<Neighbour> look_alikes;
  if (!same_bytes || !policy_.exact) {
    WINNOW_ASSIGN_OR_RETURN(look_alikes, LookAlikes(record, subject, state));
  }
  Decision decision{Judge(record.id, subject.traits, same_bytes, look_alikes, policy_), {}};
  if (decision.judgement.reason != Reason::kNone) return decision;
  Timestamp burst_began = subject.traits.taken_at;
  if (!decision.judgement.replaces.empty()) {
    for (const Neighbour& replaced : look_alikes) {
      WINNOW_RETURN_IF_ERROR(ForgetKept(replaced.sequence, state, writes));
    }
    if (policy_.keep == spec::Keep::kBestOfBurst) burst_began = look_alikes.front().burst_began;
  }
  WINNOW_ASSIGN_OR_RETURN(decision.sequence,
                          Keep(record, subject, decision.judgement, burst_began, writes));
  return decision;
}

Result<std::uint64_t> Deduper::Keep(const ImageRecord& record, const Subject& subject,
                                    const Judgement& judgement, Timestamp burst_began,
                                    std::vector<StateWrite>& writes) {
  const std::uint64_t sequence = next_sequence_;
  Kept kept = {.id = record.id,
               .cluster = judgement.cluster,
               .scope = subject.scope,
               .fingerprint = record.fingerprint,
               .sha256 = ContentOf(record.payload)->sha256,
               .traits = subject.traits,
               .burst_began = burst_began,
               .period = subject.period};
  if (kept.fingerprint) kept.fingerprint->turned.clear();
  WINNOW_RETURN_IF_ERROR(remembered_->Add(sequence, kept));
  NoteContent(kept.sha256);
  ++next_sequence_;
  if (sequence == 0) writes.push_back({std::string(kFormatKey), EncodeFormat(policy_)});
  writes.push_back({KeptKey(sequence), Encode(kept)});
  writes.push_back({ContentKey(kept.sha256, kept.scope), EncodeSequence(sequence)});
  return sequence;
}

Outcome Deduper::Conclude(ImageRecord record, const Judgement& judgement, Timestamp now) const {
  record.duplicate = ToDuplicate(judgement);
  record::StageVerdict verdict = ToVerdict(judgement, record, policy_);
  verdict.spec_digest = spec_digest_;
  verdict.time = now;
  if (record.fingerprint) record.fingerprint->turned.clear();
  if (judgement.reason != Reason::kNone) {
    record.payload = std::monostate();
    record.attachment.reset();
  }
  return stream::Conclude(std::move(record), std::move(verdict));
}

Result<Outcome> Deduper::Process(ImageRecord record, const StateView& state, Timestamp now) {
  WINNOW_RETURN_IF_ERROR(CheckInput(record));
  const Subject subject = SubjectOf(record, now);
  std::vector<StateWrite> writes;
  if (forgetting_.windowed() && forgetting_.Note(subject.period)) {
    writes.push_back({PeriodKey(subject.period), ""});
  }
  WINNOW_RETURN_IF_ERROR(ForgetOld(state, writes));
  const std::string key = DecisionKey(subject.period, record.id);
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> known, state.Get(key));
  Decision decision;
  if (known) {
    WINNOW_ASSIGN_OR_RETURN(decision, DecodeDecision(*known));
  } else {
    WINNOW_ASSIGN_OR_RETURN(decision, Decide(record, subject, state, writes));
    writes.push_back({key, Encode(decision)});
  }
  if (++processed_ % kRecordsPerTelling == 0) TellMemory();
  entries_ = remembered_->size();
  Outcome outcome = Conclude(std::move(record), decision.judgement, now);
  outcome.writes = std::move(writes);
  return outcome;
}

}  // namespace

std::unique_ptr<stream::Processor> NewDeduper(const spec::CollectionSpec& spec) {
  return NewDeduperWith(spec, {});
}

std::unique_ptr<stream::Processor> NewDeduperWith(const spec::CollectionSpec& spec,
                                                  const HammingIndex::Options& index) {
  return std::make_unique<Deduper>(spec, index);
}

}  // namespace winnow::deduper
