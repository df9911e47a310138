#include "services/balancer/balancer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "libs/record/codec.h"
#include "libs/record/quality_rank.h"
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

std::vector<std::string> Flatten(const std::vector<std::string>& axes, const Strata& strata) {
  std::vector<std::string> flat;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (const std::string& value : strata[i]) flat.push_back(axes[i] + "=" + value);
  }
  return flat;
}

std::string Detail(const Judgement& judgement) {
  if (judgement.reason == Reason::kReserveFull && judgement.stratum.empty()) {
    return "better images have taken its place in the reserve";
  }
  const std::string figures =
      fmt::format("{} has {} of {:.1f}", judgement.stratum, judgement.count, judgement.limit);
  if (judgement.reason == Reason::kReserveFull) return figures + ", and the reserve is full";
  return judgement.stratum.empty() ? std::string() : figures;
}

// Of the image, wherever its bytes are: a reserve of references is bounded as one of bytes.
std::uint64_t ImageBytes(const ImageRecord& record) {
  const record::PayloadContent* content = record::ContentOf(record.payload);
  return content == nullptr ? 0 : content->length();
}

Disposition DispositionOf(Reason reason) {
  if (reason == Reason::kNone) return Disposition::kForwarded;
  return reason == Reason::kReserveFull ? Disposition::kRejected : Disposition::kDeferred;
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
  record::StageVerdict Verdict(const Judgement& judgement, Timestamp now) const;
  Outcome Conclude(ImageRecord record, const Decision& decision, Timestamp now) const;
  void AppendCounts(const Places& places, std::vector<StateWrite>& writes) const;

  Result<Outcome> Decide(ImageRecord record, const StateView& state, Timestamp now);
  Outcome Hold(ImageRecord record, Judgement judgement, Held held, const Strata& strata,
               Timestamp now);
  Result<ImageRecord> TakeOut(std::uint64_t sequence, const StateView& state,
                              std::vector<StateWrite>& writes);
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
        const Result<std::uint64_t> count = DecodeCount(value);
        if (!stratum) restored = stratum.error();
        if (!count) restored = count.error();
        if (restored) census_.Restore(stratum->first, stratum->second, *count);
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

record::StageVerdict Balancer::Verdict(const Judgement& judgement, Timestamp now) const {
  record::StageVerdict verdict;
  verdict.stage = name();
  verdict.disposition = DispositionOf(judgement.reason);
  verdict.reason = judgement.reason;
  verdict.detail = Detail(judgement);
  if (!judgement.stratum.empty()) {
    verdict.scores["count"] = judgement.count;
    verdict.thresholds["limit"] = judgement.limit;
  }
  verdict.spec_digest = spec_digest_;
  verdict.time = now;
  return verdict;
}

Outcome Balancer::Conclude(ImageRecord record, const Decision& decision, Timestamp now) const {
  const Judgement& judgement = decision.judgement;
  if (judgement.reason == Reason::kNone) {
    record.selection =
        record::Selection{Flatten(census_.axes(), StrataOf(record)), decision.from_reserve, {}};
  } else {
    record.attachment.reset();
  }
  if (judgement.reason == Reason::kReserveFull) record.payload = std::monostate();
  return stream::Conclude(std::move(record), Verdict(judgement, now));
}

void Balancer::AppendCounts(const Places& places, std::vector<StateWrite>& writes) const {
  for (std::size_t axis = 0; axis < places.size(); ++axis) {
    for (const std::uint32_t place : places[axis]) {
      writes.push_back({CountKey(census_.axes()[axis], census_.NameOf(axis, place)),
                        EncodeCount(census_.CountOf(axis, place))});
    }
  }
}

Result<Outcome> Balancer::Process(ImageRecord record, const StateView& state, Timestamp now) {
  WINNOW_RETURN_IF_ERROR(usable_);
  WINNOW_RETURN_IF_ERROR(CheckInput(record));
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> decided,
                          state.Get(DecisionKey(record.id)));
  if (decided) {
    WINNOW_ASSIGN_OR_RETURN(const Decision decision, DecodeDecision(*decided));
    return Conclude(std::move(record), decision, now);
  }
  Result<Outcome> outcome = Decide(std::move(record), state, now);
  if (!outcome) usable_ = outcome.error();
  return outcome;
}

Result<Outcome> Balancer::Decide(ImageRecord record, const StateView& state, Timestamp now) {
  const Strata strata = StrataOf(record);
  const Places places = census_.Locate(strata);
  const RecordId id = record.id;
  const Judgement judgement = census_.Judge(places);
  Outcome outcome;
  if (judgement.reason == Reason::kNone) {
    census_.Admit(places);
    outcome = Conclude(std::move(record), {judgement}, now);
    outcome.writes.push_back({DecisionKey(id), Encode(Decision{judgement})});
    WINNOW_RETURN_IF_ERROR(Release(state, now, outcome));
  } else {
    const Held held = {next_sequence_++, record::QualityRank(record),
                       judgement.reason == Reason::kQuotaReached, 0, places};
    outcome = Hold(std::move(record), judgement, held, strata, now);
    WINNOW_RETURN_IF_ERROR(GiveUp(state, now, outcome));
  }
  // Also for strata that were only seen: unlisted ones share what is left by their number.
  AppendCounts(places, outcome.writes);
  const Totals totals = {census_.axes(), census_.admitted(), next_sequence_};
  outcome.writes.push_back({std::string(kTotalsKey), Encode(totals)});
  return outcome;
}

// ---- the reserve -------------------------------------------------------------------------------

// Into the reserve, unless it would be the first to go again.
Outcome Balancer::Hold(ImageRecord record, Judgement judgement, Held held, const Strata& strata,
                       Timestamp now) {
  const std::uint64_t sequence = held.sequence;
  const RecordId id = record.id;
  Outcome outcome = Conclude(record, {judgement}, now);
  held.bytes = ImageBytes(record);
  const HeldEntry entry = {held.rank, held.quota_reached, held.bytes, strata};
  const bool too_large = held.bytes > policy_.reserve_bytes;
  reserve_.Add(std::move(held));
  if (too_large || (Overfull() && reserve_.Worst() == sequence)) {
    reserve_.Remove(sequence);
    judgement.reason = Reason::kReserveFull;
    outcome = Conclude(std::move(record), {judgement}, now);
  } else {
    outcome.writes.push_back({HeldKey(sequence), Encode(entry)});
    outcome.writes.push_back({ImageKey(sequence), record::RecordCodec::Encode(outcome.record)});
  }
  outcome.writes.push_back({DecisionKey(id), Encode(Decision{judgement})});
  return outcome;
}

Result<ImageRecord> Balancer::TakeOut(std::uint64_t sequence, const StateView& state,
                                      std::vector<StateWrite>& writes) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> image, state.Get(ImageKey(sequence)));
  if (!image) return CorruptStateError("the balancer's state has lost an image it holds");
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
    const Judgement judgement = census_.Judge(held.places);
    census_.Admit(held.places);
    WINNOW_ASSIGN_OR_RETURN(ImageRecord record, TakeOut(*sequence, state, outcome.writes));
    record.selection = record::Selection{Flatten(census_.axes(), StrataOf(record)), true, {}};
    record.history.push_back(Verdict(judgement, now));
    outcome.writes.push_back({DecisionKey(record.id), Encode(Decision{judgement, true})});
    outcome.settled.push_back({std::move(record), Disposition::kForwarded, Reason::kNone});
    AppendCounts(held.places, outcome.writes);
  }
  return {};
}

Status Balancer::GiveUp(const StateView& state, Timestamp now, Outcome& outcome) {
  while (Overfull()) {
    const std::uint64_t sequence = *reserve_.Worst();
    WINNOW_ASSIGN_OR_RETURN(ImageRecord record, TakeOut(sequence, state, outcome.writes));
    record.payload = std::monostate();
    Judgement judgement;
    judgement.reason = Reason::kReserveFull;
    record::StageVerdict verdict = Verdict(judgement, now);
    verdict.detail = fmt::format("{} images and {} bytes in reserve are better", reserve_.images(),
                                 reserve_.bytes());
    record.history.push_back(std::move(verdict));
    outcome.writes.push_back({DecisionKey(record.id), Encode(Decision{judgement})});
    outcome.settled.push_back({std::move(record), Disposition::kRejected, Reason::kReserveFull});
  }
  return {};
}

}  // namespace

std::unique_ptr<stream::Processor> NewBalancer(const spec::CollectionSpec& spec) {
  return std::make_unique<Balancer>(spec);
}

}  // namespace winnow::balancer
