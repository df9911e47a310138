#include "services/deduper/core.h"

#include <fmt/format.h>

namespace winnow::deduper {

using record::Disposition;
using record::Reason;

bool Comparable(const std::optional<record::Fingerprint>& fingerprint,
                const spec::DedupPolicy& policy) {
  return fingerprint && fingerprint->quality >= policy.min_quality;
}

Judgement Judge(const RecordId& id, const std::optional<Neighbour>& same_bytes,
                const std::optional<Neighbour>& nearest, const spec::DedupPolicy& policy) {
  if (same_bytes && policy.exact) {
    return {Reason::kExactDuplicate, same_bytes->id, 0, same_bytes->cluster};
  }
  if (nearest && nearest->distance <= static_cast<int>(policy.max_distance)) {
    return {Reason::kNearDuplicate, nearest->id, nearest->distance, nearest->cluster};
  }
  const std::optional<Neighbour>& look_alike = same_bytes ? same_bytes : nearest;
  if (look_alike) {
    return {Reason::kNone, look_alike->id, look_alike->distance, look_alike->cluster};
  }
  return {Reason::kNone, RecordId(), 0, id};
}

record::Duplicate ToDuplicate(const Judgement& judgement) {
  record::Duplicate duplicate;
  duplicate.cluster = judgement.cluster;
  if (judgement.reason == Reason::kNone) return duplicate;
  duplicate.of = judgement.earlier;
  duplicate.distance = judgement.distance;
  duplicate.exact = judgement.reason == Reason::kExactDuplicate;
  return duplicate;
}

namespace {

std::string Detail(const Judgement& judgement, const spec::DedupPolicy& policy) {
  const std::string& earlier = judgement.earlier.value();
  if (judgement.reason == Reason::kExactDuplicate) {
    return fmt::format("the same bytes as {}, which came earlier", earlier);
  }
  if (judgement.reason == Reason::kNearDuplicate) {
    return fmt::format("{} of 256 bits away from {}, which came earlier; the limit is {}",
                       judgement.distance, earlier, policy.max_distance);
  }
  if (!earlier.empty()) {
    return fmt::format("kept, but in one cluster with {}, {} of 256 bits away", earlier,
                       judgement.distance);
  }
  return {};
}

}  // namespace

record::StageVerdict ToVerdict(const Judgement& judgement, const spec::DedupPolicy& policy) {
  record::StageVerdict verdict;
  verdict.stage = "deduper";
  verdict.reason = judgement.reason;
  verdict.disposition =
      judgement.reason == Reason::kNone ? Disposition::kForwarded : Disposition::kRejected;
  verdict.detail = Detail(judgement, policy);
  if (!judgement.earlier.empty()) verdict.scores["distance"] = judgement.distance;
  verdict.thresholds["max_distance"] = policy.max_distance;
  verdict.thresholds["min_quality"] = policy.min_quality;
  return verdict;
}

}  // namespace winnow::deduper
