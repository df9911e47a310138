// The books of an audit: every arrival, every outcome, and whether they balance. Knows no broker
// and no files: what was read is told to it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libs/kafka/headers.h"
#include "libs/record/image_record.h"

namespace winnow::cli {

// Where a record can be waiting.
enum class AuditStage : std::uint8_t { kValidator, kBlurrer, kDeduper, kBalancer, kSink };

inline constexpr std::array kAuditStages = {AuditStage::kValidator, AuditStage::kBlurrer,
                                            AuditStage::kDeduper, AuditStage::kBalancer,
                                            AuditStage::kSink};

// "validator", as in group names.
std::string_view Name(AuditStage stage);

// What a message says of the record it carries.
struct Passage {
  kafka::Origin origin;  // its arrival
  int replay = 0;        // how often it was driven again
  RecordId id;           // empty: the message could not be read
  bool settled = false;  // its history says that it was deferred before
};

// One rule that does not hold.
struct Violation {
  std::string rule;
  std::uint64_t count = 0;
  std::vector<std::string> examples;  // the first ten
};

struct AuditFigures {
  std::uint64_t arrivals = 0;  // messages of images.raw, without those driven again
  std::uint64_t ids = 0;       // different ones among them
  std::uint64_t redriven = 0;  // by winnow replay, seen in images.raw
  std::uint64_t redriven_in_flight = 0;  // wherever they were driven to; not in in_flight
  // What became of the arrivals: the sum is `arrivals`.
  std::uint64_t stored = 0;
  std::uint64_t superseded = 0;  // selected, then a better copy took their place in the dataset
  std::uint64_t rejected = 0;
  std::uint64_t review = 0;
  std::uint64_t deferred = 0;
  std::uint64_t dead = 0;
  std::uint64_t settled_with_earlier = 0;  // resent while the first was in the reserve
  std::uint64_t in_flight = 0;
  std::uint64_t missing = 0;
  std::array<std::uint64_t, kAuditStages.size()> waiting{};  // of in_flight, by stage
  // Of ids, by kind.
  std::uint64_t stored_ids = 0;
  std::uint64_t superseded_ids = 0;
  std::uint64_t still_in_shards = 0;  // of superseded_ids: their sink has yet to take them out
  std::uint64_t rejected_ids = 0;
  std::uint64_t review_ids = 0;
  std::uint64_t deferred_ids = 0;
  // Of outcomes.
  std::map<std::string, std::uint64_t> reasons;       // refusals, by reason
  std::map<std::string, std::uint64_t> dead_reasons;  // dead letters, by reason
  std::uint64_t expired = 0;  // outcomes whose arrival images.raw does not hold any more
  std::uint64_t foreign = 0;  // outcomes of messages that did not come in through images.raw
};

struct AuditReport {
  AuditFigures figures;
  std::vector<Violation> violations;
};

// Adds one example to the rule's violation.
void Break(std::vector<Violation>& violations, std::string_view rule, std::string example);

// Takes about 140 bytes an arrival that is stored, 80 for others. Call order: Raw* and Arrived*
// first, then the rest as the pipeline goes, then Judge. Not thread-safe.
class AuditLedger {
 public:
  // `raw`: the topic arrivals are in.
  explicit AuditLedger(std::string raw) : raw_(std::move(raw)) {}

  // The offsets of a partition of the raw topic that were read.
  void Raw(int partition, std::int64_t begin, std::int64_t end);
  // A message without origin header. `id` empty if it cannot be read.
  void Arrived(int partition, std::int64_t offset, const RecordId& id);
  // A message in the raw topic that was driven again, and where.
  void Redriven(const Passage& passage);

  // In a topic, not yet worked on by `stage`. Tell in pipeline order: the last one counts.
  void Waits(const Passage& passage, AuditStage stage);
  void Rejected(const Passage& passage, record::Reason reason);
  void SentToReview(const Passage& passage);
  // `letter` names the message that was given up (Origin as text): told twice it counts once.
  // `by_sink`: one of images.selected.
  void Died(const Passage& passage, const std::string& letter, bool by_sink,
            const std::string& reason);
  // In images.selected: on its way to the dataset, or there.
  void Selected(const Passage& passage, int partition, std::int64_t offset);
  // Held by the reserve at some time of the audit; `now`: at its end.
  void Deferred(const RecordId& id, bool now);

  // In a published part.
  void Stored(const RecordId& id);
  // A record of a published part takes its place.
  void Replaced(const RecordId& id);
  // Below this offset of images.selected everything is in parts or holds nothing to store.
  void StoredUntil(int partition, std::int64_t offset);

  // Images.raw, images.selected still hold their first message: what has no outcome there is lost,
  // not expired.
  void Whole(bool raw, bool selected);

  AuditReport Judge() const;

 private:
  using Id = std::array<std::uint8_t, 16>;
  struct HashId {
    std::size_t operator()(const Id& id) const;
  };
  struct Arrival {
    Id id{};
    std::uint8_t flags = 0;
    std::uint8_t outcomes = 0;  // of the first drive
    std::uint8_t stage = 0;
  };
  struct Fate {
    std::uint32_t arrivals = 0;
    std::uint16_t stored = 0;
    std::uint16_t flags = 0;
  };
  struct Log {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::vector<Arrival> arrivals{};
  };
  struct SelectedPlace {
    int raw_partition = 0;  // of its arrival
    int replay = 0;
    std::int64_t raw_offset = 0;
    Id id{};
    int partition = 0;
    std::int64_t offset = 0;
  };
  using Drive = std::tuple<int, std::int64_t, int>;  // partition, offset, replay

  class Judgement;

  static Id Short(const RecordId& id);
  Arrival* Find(const kafka::Origin& origin);
  // Counts an outcome of the drive and marks its arrival and id.
  void Conclude(const Passage& passage, std::uint8_t arrival_flag, std::uint16_t id_flag);
  void Note(std::string_view rule, std::string example);

  const std::string raw_;
  std::map<int, Log> logs_{};
  std::unordered_map<Id, Fate, HashId> fates_{};
  std::vector<SelectedPlace> selected_{};
  std::map<int, std::int64_t> stored_until_{};
  std::map<Drive, int> drives_{};  // outcomes of those driven again
  std::map<Drive, Id> redriven_{};
  std::set<std::pair<std::string, int>> letters_{};
  std::set<Drive> waiting_drives_{};
  bool whole_raw_ = false;
  bool whole_selected_ = false;
  AuditFigures figures_{};                    // those that need no judgement
  std::map<std::string, Violation> noted_{};  // seen while told, by rule
};

}  // namespace winnow::cli
