// The balancer's state entries as bytes. The layout, with its version, is in README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/record/reason.h"
#include "services/balancer/census.h"
#include "services/balancer/strata.h"

namespace winnow::balancer {

inline constexpr std::uint32_t kStateVersion = 3;

inline constexpr std::string_view kTotalsKey = "t";
inline constexpr std::string_view kCountPrefix = "n";
inline constexpr std::string_view kHeldPrefix = "q";

// One entry for what is not per stratum.
struct Totals {
  std::vector<std::string> axes;  // counted on; other axes need other counts
  std::uint64_t admitted = 0;
  std::uint64_t next_sequence = 0;
  friend bool operator==(const Totals&, const Totals&) = default;
};

// What is counted under a stratum.
struct CountEntry {
  std::uint64_t count = 0;
  std::uint32_t number = 0;  // see Numbers
  friend bool operator==(const CountEntry&, const CountEntry&) = default;
};

// What is known of a held image without reading it.
struct HeldEntry {
  std::uint32_t rank = 0;
  bool quota_reached = false;
  std::uint64_t bytes = 0;  // of the image
  Strata strata;
  friend bool operator==(const HeldEntry&, const HeldEntry&) = default;
};

// What a record is told when it is offered again, and what has to be known of it when a better copy
// takes its place.
struct Decision {
  Judgement judgement;
  // Of an admitted record only:
  bool from_reserve = false;  // after it had been held
  Numbers strata = {};        // it was counted under
  // Of all images whose place it took; nullopt if it took none.
  std::optional<Numbers> withdrawn = {};
  // Of one that waits only: where in the reserve.
  std::uint64_t sequence = 0;
  // Of a superseded one only.
  RecordId superseded_by = {};

  record::Disposition disposition() const;
  friend bool operator==(const Decision&, const Decision&) = default;
};

std::string CountKey(std::string_view axis, std::string_view value);
std::string HeldKey(std::uint64_t sequence);   // sorts by sequence
std::string ImageKey(std::uint64_t sequence);  // the whole record of a held image
std::string DecisionKey(const RecordId& id);

std::string Encode(const Totals& totals);
std::string Encode(const HeldEntry& held);
std::string Encode(const Decision& decision);
std::string Encode(const CountEntry& count);

// Error kCorruptState for bytes that the functions above cannot have written; kConfig for totals of
// another state version.
Result<Totals> DecodeTotals(std::string_view bytes);
Result<HeldEntry> DecodeHeld(std::string_view bytes);
Result<Decision> DecodeDecision(std::string_view bytes);
Result<CountEntry> DecodeCount(std::string_view bytes);
Result<std::uint64_t> DecodeHeldKey(std::string_view key);
Result<std::pair<std::string, std::string>> DecodeCountKey(std::string_view key);  // axis, value

}  // namespace winnow::balancer
