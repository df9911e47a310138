// Counts of what became of every record, per stage and in all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libs/base/result.h"
#include "libs/record/reason.h"

namespace winnow::local {

// Where a record rests, and why.
struct Ending {
  record::Disposition disposition = record::Disposition::kStored;
  record::Reason reason = record::Reason::kNone;
};

// Law of conservation, true at every commit, for each stage and for the pipeline:
// received = forwarded + rejected + deferred + review + stored. (Nothing is in flight at a commit.)
class Totals {
 public:
  // One record came to `stage` and left it so.
  void Count(std::string_view stage, record::Disposition disposition, record::Reason reason);

  // A record that ended at `stage` as `was` has become `is`, which may be forwarded. One that ended
  // so must have been counted.
  void Resettle(std::string_view stage, const Ending& was, const Ending& is);

  std::uint64_t Received(std::string_view stage) const;
  std::uint64_t Of(std::string_view stage, record::Disposition disposition) const;

  // Over all stages: records that came in at the first stage and where they ended.
  std::uint64_t Received() const;
  std::uint64_t Ended(record::Disposition disposition) const;
  std::map<record::Reason, std::uint64_t> EndedByReason(record::Disposition disposition) const;

  // True if the law holds for every stage and between neighbours. `stages` in pipeline order.
  bool Conserved(const std::vector<std::string>& stages) const;

  // For the state: one "stage disposition reason count" line per entry, sorted.
  std::string Encode() const;
  static Result<Totals> Decode(std::string_view text);

  friend bool operator==(const Totals&, const Totals&) = default;

 private:
  using Key = std::tuple<std::string, record::Disposition, record::Reason>;
  std::map<Key, std::uint64_t> counts_;
  std::map<std::string, std::uint64_t, std::less<>> received_;
  std::string first_stage_;
};

}  // namespace winnow::local
