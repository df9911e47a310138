// What makes a record a duplicate, and which of two copies stays: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"

namespace winnow::deduper {

// What is known of an image wherever two are held against each other.
struct Traits {
  Timestamp taken_at{};    // captured, or else ingested
  std::uint32_t rank = 0;  // record::QualityRank
  SourceId camera;         // empty if the source has no before and after
  friend bool operator==(const Traits&, const Traits&) = default;
};

// An earlier record that was kept, and how far away it is.
struct Neighbour {
  std::uint64_t sequence = 0;
  RecordId id;
  RecordId cluster;
  Traits traits;
  Timestamp burst_began{};  // when the first frame of its burst was taken; its own time at first
  int distance = 0;         // bits; 0 for the same bytes
  record::Turn turn = record::Turn::kNone;  // of the new picture, to look like this one
  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// The decision about one record and the figures behind it. Remembered per record id, so that a
// record offered again is told the same.
struct Judgement {
  record::Reason reason = record::Reason::kNone;  // or kExactDuplicate, kNearDuplicate
  RecordId earlier = {};  // the nearest earlier record; empty if none is within PDQ's 31 bits
  int distance = 0;  // to `earlier`
  record::Turn turn = record::Turn::kNone;
  std::uint32_t earlier_rank = 0;   // of `earlier`
  RecordId cluster = {};  // first record of the group of look-alikes; the record itself if it is new
  std::vector<RecordId> replaces = {};  // kept before; this record takes their place
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Flat pictures have fingerprints near everything: PDQ's rule is not to compare below a quality.
bool Comparable(const std::optional<record::Fingerprint>& fingerprint,
                const spec::DedupPolicy& policy);

// The ways a picture may be turned and still be a look-alike, kNone first.
std::vector<record::Turn> TurnsOf(const spec::DedupPolicy& policy);

// `same_bytes`: the earlier record with the same content. `look_alikes`: the kept records that are
// comparable, of the same scope and time window: all within policy.max_distance, nearest first, or
// where there is none the nearest within 31 bits. A look-alike too far away to drop still joins its
// neighbour's cluster, so that the two never end up in different splits.
Judgement Judge(const RecordId& id, const Traits& traits,
                const std::optional<Neighbour>& same_bytes,
                const std::vector<Neighbour>& look_alikes, const spec::DedupPolicy& policy);

record::Duplicate ToDuplicate(const Judgement& judgement);

// Stage, disposition, reason, detail, scores and thresholds; digest and time are the caller's.
record::StageVerdict ToVerdict(const Judgement& judgement, const record::ImageRecord& record,
                               const spec::DedupPolicy& policy);

}  // namespace winnow::deduper
