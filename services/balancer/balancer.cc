#include "services/balancer/balancer.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <variant>

#include "libs/record/codec.h"
#include "libs/record/quality_rank.h"
#include "libs/record/superseded.h"
#include "services/balancer/census.h"
#include "services/balancer/reserve.h"
#include "services/balancer/state_entries.h"
#include "services/balancer/strata.h"

namespace winnow::balancer {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using stream::Settlement;
using stream::StateView;
using stream::StateWrite;

// One arrival can make room for many; what does not fit goes with the next admission.
constexpr std::size_t kMaxReleasedImages = 256;
constexpr std::uint64_t kMaxReleasedBytes = 64ull << 20;

Status CheckInput(const ImageRecord& record) {
  if (record.id.empty()) return InputError("a record without id cannot be told from others");
  if (std::holds_alternative<record::SafePayload>(record.payload)) return {};
  if (std::holds_alternative<record::RawPayload>(record.payload)) {
    return BugError("the balancer was given unredacted bytes: " + record.id.value());
  }
  return InputError("a record without image cannot be admitted: " + record.id.value());
}

// Its tightest stratum, if any.
std::string Figures(const Judgement& judgement) {
  if (judgement.stratum.empty()) return {};
  return fmt::format("{} has {} of {:.1f}", judgement.stratum, judgement.count, judgement.limit);
}

std::string Detail(const Decision& decision) {
  const std::string figures = Figures(decision.judgement);
  switch (decision.judgement.reason) {
    case Reason::kSuperseded:
      return "superseded by " + decision.superseded_by.value() + ", a better copy";
    case Reason::kReserveFull:
      return figures.empty() ? "better images have taken its place in the reserve"
                             : figures + ", and the reserve is full";
    default: break;
  }
  if (!decision.withdrawn) return figures;
  return "takes the place of an earlier copy" + (figures.empty() ? figures : "; " + figures);
}

// Of the image, wherever its bytes are: a reserve of references is bounded as one of bytes.
std::uint64_t ImageBytes(const ImageRecord& record) {
  const record::PayloadContent* content = record::ContentOf(record.payload);
  return content == nullptr ? 0 : content->length();
}

Decision SupersededBy(const RecordId& better) {
  Decision decision;
  decision.judgement.reason = Reason::kSuperseded;
  decision.superseded_by = better;
  return decision;
}

class Balancer : public stream::Processor {
 public:
  explicit Balancer(const spec::CollectionSpec& spec)
      : policy_(spec.balance), spec_digest_(spec.digest), census_(spec) {}

  std::string_view name() const override { return "balancer"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }

  Status Open(const StateView& state) override;
  Result<Outcome> Process(ImageRecord record, const StateView& state, Timestamp now) override;

 private:
  Status RestoreTotals(const StateView& state);
  Status RestoreCounts(const StateView& state);
  Status RestoreReserve(const StateView& state);

  Strata StrataOf(const ImageRecord& record) const;
  bool Overfull() const;
  record::StageVerdict Verdict(const Decision& decision, Timestamp now) const;
  void MarkSelected(ImageRecord& record, const Decision& decision) const;
  void Conclude(ImageRecord record, const Decision& decision, Timestamp now,
                Outcome& outcome) const;
  void AppendCounts(const Places& places, std::vector<StateWrite>& writes) const;
  Result<std::optional<Decision>> Recall(const RecordId& id, const StateView& state) const;

  Result<Outcome> Decide(ImageRecord record, const StateView& state, Timestamp now);
  void Hold(ImageRecord record, Judgement judgement, Held held, const Strata& strata, Timestamp now,
            Outcome& outcome);

  Result<std::optional<Numbers>> Replace(const ImageRecord& better, const StateView& state,
                                         Timestamp now, Outcome& outcome);
  Status Withdraw(const Numbers& strata, std::optional<Numbers>& withdrawn, Outcome& outcome);

  Result<ImageRecord> TakeOut(std::uint64_t sequence, const StateView& state,
                              std::vector<StateWrite>& writes);
  void Refuse(ImageRecord record, record::StageVerdict verdict, Outcome& outcome) const;
  Status Release(const StateView& state, Timestamp now, Outcome& outcome);
  Status GiveUp(const StateView& state, Timestamp now, Outcome& outcome);

  const spec::BalancePolicy policy_;
  const std::string spec_digest_;
  Census census_;
  Reserve reserve_;
  std::uint64_t next_sequence_ = 0;
  Status usable_;  // an Error once memory may have run ahead of state
};

// ---- opening -----------------------------------------------------------------------------------

Status Balancer::Open(const StateView& state) {
  for (const std::string& axis : census_.axes()) WINNOW_RETURN_IF_ERROR(CheckAxis(axis));
  WINNOW_RETURN_IF_ERROR(RestoreTotals(state));
  WINNOW_RETURN_IF_ERROR(RestoreCounts(state));
  return RestoreReserve(state);
}

Status Balancer::RestoreTotals(const StateView& state) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(kTotalsKey));
  if (!entry) return {};
  WINNOW_ASSIGN_OR_RETURN(const Totals totals, DecodeTotals(*entry));
  if (totals.axes != census_.axes()) {
    return ConfigError(
        "this state was balanced on other axes; use a new output directory or the old "
        "balance.axes");
  }
  census_.RestoreAdmitted(totals.admitted);
  next_sequence_ = totals.next_sequence;
  return {};
}

Status Balancer::RestoreCounts(const StateView& state) {
  Status restored;
  WINNOW_RETURN_IF_ERROR(
      state.Scan(kCountPrefix, [&](std::string_view key, std::string_view value) {
        const auto stratum = DecodeCountKey(key);
        const Result<CountEntry> entry = DecodeCount(value);
        if (!stratum) restored = stratum.error();
        if (!entry) restored = entry.error();
        if (restored) {
          census_.Restore(stratum->first, stratum->second, entry->count, entry->number);
        }
        return restored.has_value();
      }));
  return restored;
}

Status Balancer::RestoreReserve(const StateView& state) {
  Status restored;
  WINNOW_RETURN_IF_ERROR(
      state.Scan(kHeldPrefix, [&](std::string_view key, std::string_view value) {
        const Result<std::uint64_t> sequence = DecodeHeldKey(key);
        const Result<HeldEntry> entry = DecodeHeld(value);
        if (!sequence) restored = sequence.error();
        if (!entry) restored = entry.error();
        if (restored && entry->strata.size() != census_.axes().size()) {
          restored = CorruptStateError("the balancer holds an image of other axes");
        }
        if (!restored) return false;
        reserve_.Add({*sequence, entry->rank, entry->quota_reached, entry->bytes,
                      census_.Locate(entry->strata)});
        return true;
      }));
  return restored;
}

// ---- one record --------------------------------------------------------------------------------

Strata Balancer::StrataOf(const ImageRecord& record) const {
  Strata strata;
  for (const std::string& axis : census_.axes()) strata.push_back(ValuesOf(record, axis));
  return strata;
}

bool Balancer::Overfull() const {
  return reserve_.images() > policy_.reserve_images || reserve_.bytes() > policy_.reserve_bytes;
}

record::StageVerdict Balancer::Verdict(const Decision& decision, Timestamp now) const {
  const Judgement& judgement = decision.judgement;
  record::StageVerdict verdict;
  verdict.stage = name();
  verdict.disposition = decision.disposition();
  verdict.reason = judgement.reason;
  verdict.detail = Detail(decision);
  if (!judgement.stratum.empty()) {
    verdict.scores["count"] = judgement.count;
    verdict.thresholds["limit"] = judgement.limit;
  }
  verdict.spec_digest = spec_digest_;
  verdict.time = now;
  return verdict;
}

void Balancer::MarkSelected(ImageRecord& record, const Decision& decision) const {
  record::Selection& selection = record.selection.emplace();
  selection.strata = census_.NamesOf(decision.strata);
  selection.from_reserve = decision.from_reserve;
  if (decision.withdrawn) selection.withdrawn = census_.NamesOf(*decision.withdrawn);
}

// Says in `outcome` what becomes of the record itself.
void Balancer::Conclude(ImageRecord record, const Decision& decision, Timestamp now,
                        Outcome& outcome) const {
  const Disposition disposition = decision.disposition();
  if (disposition == Disposition::kForwarded) {
    MarkSelected(record, decision);
  } else {
    record.attachment.reset();
  }
  if (disposition == Disposition::kRejected) record.payload = std::monostate();
  Outcome concluded = stream::Conclude(std::move(record), Verdict(decision, now));
  outcome.disposition = concluded.disposition;
  outcome.reason = concluded.reason;
  outcome.record = std::move(concluded.record);
}

void Balancer::AppendCounts(const Places& places, std::vector<StateWrite>& writes) const {
  for (std::size_t axis = 0; axis < places.size(); ++axis) {
    for (const std::uint32_t place : places[axis]) {
      const CountEntry entry = {census_.CountOf(axis, place), census_.NumberOf(axis, place)};
      writes.push_back(
          {CountKey(census_.axes()[axis], census_.NameOf(axis, place)), Encode(entry)});
    }
  }
}

// What the record was told; nullopt if it was never seen.
Result<std::optional<Decision>> Balancer::Recall(const RecordId& id,
                                                 const StateView& state) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(DecisionKey(id)));
  if (!entry) return std::optional<Decision>();
  WINNOW_ASSIGN_OR_RETURN(Decision decision, DecodeDecision(*entry));
  if (!census_.PlacesOf(decision.strata) ||
      !census_.PlacesOf(decision.withdrawn.value_or(Numbers()))) {
    return CorruptStateError("the balancer's state has lost the stratum of an admitted image");
  }
  return std::optional<Decision>(std::move(decision));
}

Result<Outcome> Balancer::Process(ImageRecord record, const StateView& state, Timestamp now) {
  WINNOW_RETURN_IF_ERROR(usable_);
  WINNOW_RETURN_IF_ERROR(CheckInput(record));
  WINNOW_ASSIGN_OR_RETURN(const std::optional<Decision> decided, Recall(record.id, state));
  if (decided) {
    Outcome again;
    Conclude(std::move(record), *decided, now, again);
    return again;
  }
  Result<Outcome> outcome = Decide(std::move(record), state, now);
  if (!outcome) usable_ = outcome.error();
  return outcome;
}

Result<Outcome> Balancer::Decide(ImageRecord record, const StateView& state, Timestamp now) {
  Outcome outcome;
  WINNOW_ASSIGN_OR_RETURN(std::optional<Numbers> withdrawn, Replace(record, state, now, outcome));
  const Strata strata = StrataOf(record);
  const Places places = census_.Locate(strata);
  Judgement judgement = census_.Judge(places);
  // The earlier copy is out already: were this one not admitted, the picture would be lost.
  if (withdrawn) judgement.reason = Reason::kNone;
  if (judgement.reason == Reason::kNone) {
    census_.Admit(places);
    const Decision decision = {judgement, false, census_.NumbersOf(places), std::move(withdrawn)};
    outcome.writes.push_back({DecisionKey(record.id), Encode(decision)});
    Conclude(std::move(record), decision, now, outcome);
    WINNOW_RETURN_IF_ERROR(Release(state, now, outcome));
  } else {
    const Held held = {next_sequence_++, record::QualityRank(record),
                       judgement.reason == Reason::kQuotaReached, 0, places};
    Hold(std::move(record), judgement, held, strata, now, outcome);
    WINNOW_RETURN_IF_ERROR(GiveUp(state, now, outcome));
  }
  // Also for strata that were only seen: unlisted ones share what is left by their number.
  AppendCounts(places, outcome.writes);
  const Totals totals = {census_.axes(), census_.admitted(), next_sequence_};
  outcome.writes.push_back({std::string(kTotalsKey), Encode(totals)});
  return outcome;
}

// ---- better copies -----------------------------------------------------------------------------

// Takes what `better` replaces out of the counts and out of the reserve. Returns the strata that
// the admitted ones were counted under; nullopt if none was admitted.
Result<std::optional<Numbers>> Balancer::Replace(const ImageRecord& better, const StateView& state,
                                                 Timestamp now, Outcome& outcome) {
  std::optional<Numbers> withdrawn;
  if (!better.duplicate) return withdrawn;
  const Decision superseded = SupersededBy(better.id);
  const std::vector<RecordId>& replaces = better.duplicate->replaces;
  // Each once: state does not show yet what the outcome under way writes.
  for (const RecordId& id : std::set<RecordId>(replaces.begin(), replaces.end())) {
    WINNOW_ASSIGN_OR_RETURN(const std::optional<Decision> earlier, Recall(id, state));
    const auto was = [&](Disposition fate) { return earlier && earlier->disposition() == fate; };
    if (was(Disposition::kRejected)) continue;
    if (was(Disposition::kForwarded)) {
      WINNOW_RETURN_IF_ERROR(Withdraw(earlier->strata, withdrawn, outcome));
    }
    if (was(Disposition::kDeferred)) {
      WINNOW_ASSIGN_OR_RETURN(ImageRecord held, TakeOut(earlier->sequence, state, outcome.writes));
      record::StageVerdict verdict = record::SupersededVerdict(name(), held, better);
      verdict.spec_digest = spec_digest_;
      verdict.time = now;
      Refuse(std::move(held), std::move(verdict), outcome);
    }
    // Also where it never came: should it come after all, its place is taken.
    outcome.writes.push_back({DecisionKey(id), Encode(superseded)});
  }
  return withdrawn;
}

Status Balancer::Withdraw(const Numbers& strata, std::optional<Numbers>& withdrawn,
                          Outcome& outcome) {
  const Places places = *census_.PlacesOf(strata);  // Recall has seen to it
  if (!census_.Holds(places)) {
    return CorruptStateError("the balancer's state has lost the count of an admitted image");
  }
  census_.Withdraw(places);
  AppendCounts(places, outcome.writes);
  if (!withdrawn) withdrawn.emplace();
  withdrawn->insert(withdrawn->end(), strata.begin(), strata.end());
  return {};
}

// ---- the reserve -------------------------------------------------------------------------------

// Into the reserve, unless it would be the first to go again.
void Balancer::Hold(ImageRecord record, Judgement judgement, Held held, const Strata& strata,
                    Timestamp now, Outcome& outcome) {
  const std::uint64_t sequence = held.sequence;
  const RecordId id = record.id;
  held.bytes = ImageBytes(record);
  const HeldEntry entry = {held.rank, held.quota_reached, held.bytes, strata};
  const bool too_large = held.bytes > policy_.reserve_bytes;
  reserve_.Add(std::move(held));
  const bool fits = !too_large && !(Overfull() && reserve_.Worst() == sequence);
  Decision decision;
  if (!fits) judgement.reason = Reason::kReserveFull;
  decision.judgement = std::move(judgement);
  decision.sequence = sequence;
  Conclude(std::move(record), decision, now, outcome);
  if (fits) {
    outcome.writes.push_back({HeldKey(sequence), Encode(entry)});
    outcome.writes.push_back({ImageKey(sequence), record::RecordCodec::Encode(outcome.record)});
  } else {
    reserve_.Remove(sequence);
  }
  outcome.writes.push_back({DecisionKey(id), Encode(decision)});
}

Result<ImageRecord> Balancer::TakeOut(std::uint64_t sequence, const StateView& state,
                                      std::vector<StateWrite>& writes) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> image, state.Get(ImageKey(sequence)));
  if (!image || !reserve_.Has(sequence)) {
    return CorruptStateError("the balancer's state has lost an image it holds");
  }
  Result<ImageRecord> record = record::RecordCodec::Decode(*image, record::Zone::kSafe);
  if (!record) return CorruptStateError("an image held in reserve: " + record.error().message);
  writes.push_back({HeldKey(sequence), std::nullopt});
  writes.push_back({ImageKey(sequence), std::nullopt});
  reserve_.Remove(sequence);
  return record;
}

Status Balancer::Release(const StateView& state, Timestamp now, Outcome& outcome) {
  std::uint64_t bytes = 0;
  while (outcome.settled.size() < kMaxReleasedImages && bytes < kMaxReleasedBytes) {
    const std::optional<std::uint64_t> sequence = reserve_.BestAdmissible(census_);
    if (!sequence) break;
    const Held held = reserve_.At(*sequence);
    bytes += held.bytes;
    const Decision decision = {census_.Judge(held.places), true, census_.NumbersOf(held.places)};
    census_.Admit(held.places);
    WINNOW_ASSIGN_OR_RETURN(ImageRecord record, TakeOut(*sequence, state, outcome.writes));
    MarkSelected(record, decision);
    record.history.push_back(Verdict(decision, now));
    outcome.writes.push_back({DecisionKey(record.id), Encode(decision)});
    outcome.settled.push_back({std::move(record), Disposition::kForwarded, Reason::kNone});
    AppendCounts(held.places, outcome.writes);
  }
  return {};
}

// An image that was held goes, without its picture.
void Balancer::Refuse(ImageRecord record, record::StageVerdict verdict, Outcome& outcome) const {
  record.payload = std::monostate();
  const Reason reason = verdict.reason;
  record.history.push_back(std::move(verdict));
  outcome.settled.push_back({std::move(record), Disposition::kRejected, reason});
}

Status Balancer::GiveUp(const StateView& state, Timestamp now, Outcome& outcome) {
  while (Overfull()) {
    const std::uint64_t sequence = *reserve_.Worst();
    WINNOW_ASSIGN_OR_RETURN(ImageRecord record, TakeOut(sequence, state, outcome.writes));
    Decision decision;
    decision.judgement.reason = Reason::kReserveFull;
    record::StageVerdict verdict = Verdict(decision, now);
    verdict.detail = fmt::format("{} images and {} bytes in reserve are better", reserve_.images(),
                                 reserve_.bytes());
    outcome.writes.push_back({DecisionKey(record.id), Encode(decision)});
    Refuse(std::move(record), std::move(verdict), outcome);
  }
  return {};
}

}  // namespace

std::unique_ptr<stream::Processor> NewBalancer(const spec::CollectionSpec& spec) {
  return std::make_unique<Balancer>(spec);
}

}  // namespace winnow::balancer
