#include "services/deduper/deduper.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "services/deduper/core.h"
#include "services/deduper/hamming_index.h"
#include "services/deduper/state_entries.h"

namespace winnow::deduper {
namespace {

using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using stream::StateView;

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
  explicit Deduper(const spec::CollectionSpec& spec)
      : policy_(spec.dedup), spec_digest_(spec.digest) {}

  std::string_view name() const override { return "deduper"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }

  Status Open(const StateView& state) override;
  Result<Outcome> Process(ImageRecord record, const StateView& state, Timestamp now) override;

 private:
  Status AddToIndex(std::uint64_t sequence, const Kept& kept);
  Result<Neighbour> Recall(std::uint64_t sequence, int distance, const StateView& state) const;
  Result<std::optional<Neighbour>> SameBytes(const ImageRecord& record,
                                             const StateView& state) const;
  Result<std::optional<Neighbour>> Nearest(const ImageRecord& record,
                                           const StateView& state) const;
  Result<std::vector<stream::StateWrite>> Remember(const ImageRecord& record,
                                                   const Judgement& judgement, bool new_bytes);
  Outcome Conclude(ImageRecord record, const Judgement& judgement, Timestamp now) const;

  const spec::DedupPolicy policy_;
  const std::string spec_digest_;
  HammingIndex index_;  // comparable kept records; ids are sequence numbers
  std::uint64_t next_sequence_ = 0;
};

Status Deduper::Open(const StateView& state) {
  if (policy_.max_distance > HammingIndex::kMaxDistance) {
    return ConfigError(fmt::format("dedup.max_distance is {}; the largest is {}",
                                   policy_.max_distance, HammingIndex::kMaxDistance));
  }
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> version, state.Get(kVersionKey));
  if (version) WINNOW_RETURN_IF_ERROR(CheckVersion(*version));
  Status added;
  WINNOW_RETURN_IF_ERROR(
      state.Scan(kKeptPrefix, [&](std::string_view key, std::string_view value) {
        const Result<std::uint64_t> sequence = DecodeKeptKey(key);
        const Result<Kept> kept = DecodeKept(value);
        if (!sequence) added = sequence.error();
        if (!kept) added = kept.error();
        if (added) added = AddToIndex(*sequence, *kept);
        return added.has_value();
      }));
  return added;
}

Status Deduper::AddToIndex(std::uint64_t sequence, const Kept& kept) {
  if (sequence >= std::numeric_limits<std::uint32_t>::max()) {
    return ConfigError("one deduper holds at most 2^32 images; split the collection");
  }
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  if (Comparable(kept.fingerprint, policy_)) {
    return index_.Insert(static_cast<std::uint32_t>(sequence), kept.fingerprint->bits);
  }
  return {};
}

Result<Neighbour> Deduper::Recall(std::uint64_t sequence, int distance,
                                  const StateView& state) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(KeptKey(sequence)));
  if (!entry) return CorruptStateError("the deduper's state has lost a kept record");
  WINNOW_ASSIGN_OR_RETURN(Kept kept, DecodeKept(*entry));
  return Neighbour{std::move(kept.id), std::move(kept.cluster), distance};
}

Result<std::optional<Neighbour>> Deduper::SameBytes(const ImageRecord& record,
                                                    const StateView& state) const {
  const Sha256Digest& sha256 = ContentOf(record.payload)->sha256;
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> entry, state.Get(ContentKey(sha256)));
  if (!entry) return std::optional<Neighbour>();
  WINNOW_ASSIGN_OR_RETURN(const std::uint64_t sequence, DecodeSequence(*entry));
  WINNOW_ASSIGN_OR_RETURN(Neighbour neighbour, Recall(sequence, 0, state));
  return std::optional<Neighbour>(std::move(neighbour));
}

Result<std::optional<Neighbour>> Deduper::Nearest(const ImageRecord& record,
                                                  const StateView& state) const {
  if (!Comparable(record.fingerprint, policy_)) return std::optional<Neighbour>();
  const std::optional<HammingIndex::Match> match =
      index_.FindNearest(record.fingerprint->bits, HammingIndex::kMaxDistance);
  if (!match) return std::optional<Neighbour>();
  WINNOW_ASSIGN_OR_RETURN(Neighbour neighbour, Recall(match->id, match->distance, state));
  return std::optional<Neighbour>(std::move(neighbour));
}

Result<std::vector<stream::StateWrite>> Deduper::Remember(const ImageRecord& record,
                                                          const Judgement& judgement,
                                                          bool new_bytes) {
  std::vector<stream::StateWrite> writes = {{RecordKey(record.id), Encode(judgement)}};
  if (judgement.reason != Reason::kNone) return writes;
  const std::uint64_t sequence = next_sequence_;
  const Kept kept = {record.id, judgement.cluster, record.fingerprint};
  WINNOW_RETURN_IF_ERROR(AddToIndex(sequence, kept));
  if (sequence == 0) writes.push_back({std::string(kVersionKey), EncodeVersion()});
  writes.push_back({KeptKey(sequence), Encode(kept)});
  if (new_bytes) {
    const Sha256Digest& sha256 = ContentOf(record.payload)->sha256;
    writes.push_back({ContentKey(sha256), EncodeSequence(sequence)});
  }
  return writes;
}

Outcome Deduper::Conclude(ImageRecord record, const Judgement& judgement, Timestamp now) const {
  record.duplicate = ToDuplicate(judgement);
  record::StageVerdict verdict = ToVerdict(judgement, policy_);
  if (record.fingerprint) verdict.scores["quality"] = record.fingerprint->quality;
  verdict.spec_digest = spec_digest_;
  verdict.time = now;
  if (judgement.reason != Reason::kNone) {
    record.payload = std::monostate();
    record.attachment.reset();
  }
  return stream::Conclude(std::move(record), std::move(verdict));
}

Result<Outcome> Deduper::Process(ImageRecord record, const StateView& state, Timestamp now) {
  WINNOW_RETURN_IF_ERROR(CheckInput(record));
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> decided,
                          state.Get(RecordKey(record.id)));
  if (decided) {
    WINNOW_ASSIGN_OR_RETURN(const Judgement judgement, DecodeJudgement(*decided));
    return Conclude(std::move(record), judgement, now);
  }
  WINNOW_ASSIGN_OR_RETURN(const std::optional<Neighbour> same_bytes, SameBytes(record, state));
  std::optional<Neighbour> nearest;
  if (!same_bytes || !policy_.exact) {
    WINNOW_ASSIGN_OR_RETURN(nearest, Nearest(record, state));
  }
  const Judgement judgement = Judge(record.id, same_bytes, nearest, policy_);
  WINNOW_ASSIGN_OR_RETURN(std::vector<stream::StateWrite> writes,
                          Remember(record, judgement, !same_bytes));
  Outcome outcome = Conclude(std::move(record), judgement, now);
  outcome.writes = std::move(writes);
  return outcome;
}

}  // namespace

std::unique_ptr<stream::Processor> NewDeduper(const spec::CollectionSpec& spec) {
  return std::make_unique<Deduper>(spec);
}

}  // namespace winnow::deduper
