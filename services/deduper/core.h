// What makes a record a duplicate: pure functions over values.
#pragma once

#include <optional>

#include "libs/record/image_record.h"
#include "libs/spec/spec.h"

namespace winnow::deduper {

// An earlier record that was kept, and how far away it is.
struct Neighbour {
  RecordId id;
  RecordId cluster;
  int distance = 0;  // bits; 0 for the same bytes
  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// The decision about one record and the figures behind it. Remembered per record id, so that a
// record offered again is told the same.
struct Judgement {
  record::Reason reason = record::Reason::kNone;  // or kExactDuplicate, kNearDuplicate
  RecordId earlier;   // the nearest earlier record; empty if none is within PDQ's 31 bits
  int distance = 0;   // to `earlier`
  RecordId cluster;   // first record of the group of look-alikes; the record itself if it is new
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Flat pictures have fingerprints near everything: PDQ's rule is not to compare below a quality.
bool Comparable(const std::optional<record::Fingerprint>& fingerprint,
                const spec::DedupPolicy& policy);

// `same_bytes`: the earlier record with the same content; `nearest`: the closest comparable one
// within 31 bits. A look-alike too far away to drop still joins its neighbour's cluster, so that
// the two never end up in different splits.
Judgement Judge(const RecordId& id, const std::optional<Neighbour>& same_bytes,
                const std::optional<Neighbour>& nearest, const spec::DedupPolicy& policy);

record::Duplicate ToDuplicate(const Judgement& judgement);

// Stage, disposition, reason, detail, scores and thresholds; digest and time are the caller's.
record::StageVerdict ToVerdict(const Judgement& judgement, const spec::DedupPolicy& policy);

}  // namespace winnow::deduper
