#include "services/deduper/core.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/record/quality_rank.h"
#include "services/deduper/forgetting.h"

namespace winnow::deduper {

using record::Disposition;
using record::Reason;
using record::Turn;
using spec::Keep;

bool Comparable(const std::optional<record::Fingerprint>& fingerprint,
                const spec::DedupPolicy& policy) {
  return fingerprint && fingerprint->quality >= policy.min_quality;
}

std::vector<Turn> TurnsOf(const spec::DedupPolicy& policy) {
  if (policy.mirrored && policy.rotated) return {record::kAllTurns.begin(), record::kAllTurns.end()};
  if (policy.rotated) return {Turn::kNone, Turn::kRotated90, Turn::kRotated180, Turn::kRotated270};
  if (policy.mirrored) return {Turn::kNone, Turn::kMirrored};
  return {Turn::kNone};
}

namespace {

bool IsOfBurst(const Traits& traits, const Neighbour& earlier, const spec::DedupPolicy& policy) {
  if (traits.camera.empty() || traits.camera != earlier.traits.camera) return false;
  return IsWithin(traits.taken_at, earlier.burst_began, policy.burst_seconds);
}

bool IsBetter(const Traits& traits, const Neighbour& earlier, const spec::DedupPolicy& policy) {
  switch (policy.keep) {
    case Keep::kFirst: return false;
    case Keep::kBest: return traits.rank > (1 + policy.better_by) * earlier.traits.rank;
    case Keep::kBestOfBurst:
      return traits.rank > earlier.traits.rank && IsOfBurst(traits, earlier, policy);
  }
  return false;
}

// Copies in several clusters stay as they are: each has its own split and its own sink.
bool TakesThePlaceOfAll(const Traits& traits, const std::vector<Neighbour>& copies,
                        const spec::DedupPolicy& policy) {
  return std::all_of(copies.begin(), copies.end(), [&](const Neighbour& copy) {
    return copy.cluster == copies.front().cluster && IsBetter(traits, copy, policy);
  });
}

Judgement About(Reason reason, const Neighbour& earlier) {
  return {reason,       earlier.id,      earlier.distance, earlier.turn, earlier.traits.rank,
          earlier.cluster, {}};
}

}  // namespace

Judgement Judge(const RecordId& id, const Traits& traits,
                const std::optional<Neighbour>& same_bytes,
                const std::vector<Neighbour>& look_alikes, const spec::DedupPolicy& policy) {
  if (same_bytes && policy.exact) return About(Reason::kExactDuplicate, *same_bytes);
  const bool copy = !look_alikes.empty() &&
                    look_alikes.front().distance <= static_cast<int>(policy.max_distance);
  if (copy && !TakesThePlaceOfAll(traits, look_alikes, policy)) {
    return About(Reason::kNearDuplicate, look_alikes.front());
  }
  if (!copy && same_bytes) return About(Reason::kNone, *same_bytes);
  if (look_alikes.empty()) return {.cluster = id};
  Judgement judgement = About(Reason::kNone, look_alikes.front());
  if (!copy) return judgement;
  for (const Neighbour& replaced : look_alikes) judgement.replaces.push_back(replaced.id);
  return judgement;
}

record::Duplicate ToDuplicate(const Judgement& judgement) {
  record::Duplicate duplicate;
  duplicate.cluster = judgement.cluster;
  duplicate.replaces = judgement.replaces;
  if (judgement.reason == Reason::kNone) return duplicate;
  duplicate.of = judgement.earlier;
  duplicate.distance = judgement.distance;
  duplicate.turn = judgement.turn;
  duplicate.exact = judgement.reason == Reason::kExactDuplicate;
  return duplicate;
}

namespace {

std::string Turned(Turn turn) {
  return turn == Turn::kNone ? "" : fmt::format(" when {}", Name(turn));
}

std::string DetailOfRejected(const Judgement& judgement, const spec::DedupPolicy& policy) {
  const std::string& earlier = judgement.earlier.value();
  if (judgement.reason == Reason::kExactDuplicate) {
    return fmt::format("the same bytes as {}, which came earlier", earlier);
  }
  return fmt::format("{} of 256 bits away{} from {}, which came earlier; the limit is {}",
                     judgement.distance, Turned(judgement.turn), earlier, policy.max_distance);
}

std::string DetailOfKept(const Judgement& judgement, const record::ImageRecord& record,
                         const spec::DedupPolicy& policy) {
  const std::string& earlier = judgement.earlier.value();
  if (!judgement.replaces.empty()) {
    return fmt::format("a better copy of {}, {} of 256 bits away{}: takes its place", earlier,
                       judgement.distance, Turned(judgement.turn));
  }
  std::string detail;
  if (!earlier.empty()) {
    detail = fmt::format("kept, but in one cluster with {}, {} of 256 bits away{}", earlier,
                         judgement.distance, Turned(judgement.turn));
  }
  if (Comparable(record.fingerprint, policy)) return detail;
  if (!detail.empty()) detail += "; ";
  if (!record.fingerprint) return detail + "near-duplicates were not looked for: no fingerprint";
  return detail + fmt::format("near-duplicates were not looked for: fingerprint quality {} is below "
                              "the minimum {}",
                              record.fingerprint->quality, policy.min_quality);
}

}  // namespace

record::StageVerdict ToVerdict(const Judgement& judgement, const record::ImageRecord& record,
                               const spec::DedupPolicy& policy) {
  const bool kept = judgement.reason == Reason::kNone;
  record::StageVerdict verdict;
  verdict.stage = "deduper";
  verdict.reason = judgement.reason;
  verdict.disposition = kept ? Disposition::kForwarded : Disposition::kRejected;
  verdict.detail = kept ? DetailOfKept(judgement, record, policy)
                        : DetailOfRejected(judgement, policy);
  if (!judgement.earlier.empty()) verdict.scores["distance"] = judgement.distance;
  if (record.fingerprint) verdict.scores["quality"] = record.fingerprint->quality;
  verdict.thresholds["max_distance"] = policy.max_distance;
  verdict.thresholds["min_quality"] = policy.min_quality;
  if (policy.keep == Keep::kFirst || judgement.earlier.empty()) return verdict;
  verdict.scores["rank"] = record::QualityRank(record);
  verdict.scores["earlier_rank"] = judgement.earlier_rank;
  if (policy.keep == Keep::kBest) verdict.thresholds["better_by"] = policy.better_by;
  if (policy.keep == Keep::kBestOfBurst) verdict.thresholds["burst_seconds"] = policy.burst_seconds;
  return verdict;
}

}  // namespace winnow::deduper
