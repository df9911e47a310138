// The deduper's state entries as bytes. The layout, with its version, is in README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/digest.h"
#include "libs/base/result.h"
#include "services/deduper/core.h"

namespace winnow::deduper {

inline constexpr std::uint32_t kStateVersion = 2;

// A record that was kept and that later ones are compared with.
struct Kept {
  RecordId id;
  RecordId cluster;
  std::string scope;  // spec::ScopeOf; empty where all records are of one
  std::optional<record::Fingerprint> fingerprint;  // without turned ones
  Sha256Digest sha256{};
  Traits traits;
  Timestamp burst_began{};
  std::int64_t period = 0;  // of forgetting, see README.md; 0 without a time window
  friend bool operator==(const Kept&, const Kept&) = default;
};

// What a record id was told.
struct Decision {
  Judgement judgement;
  std::optional<std::uint64_t> sequence;  // under which it was kept
  friend bool operator==(const Decision&, const Decision&) = default;
};

inline constexpr std::string_view kFormatKey = "v";
inline constexpr std::string_view kNextSequenceKey = "n";
inline constexpr std::string_view kKeptPrefix = "k";
inline constexpr std::string_view kPeriodPrefix = "p";

std::string KeptKey(std::uint64_t sequence);  // sorts by sequence
std::string ContentKey(const Sha256Digest& sha256, std::string_view scope);
std::string DecisionPrefix(std::int64_t period);
std::string DecisionKey(std::int64_t period, const RecordId& id);
std::string PeriodKey(std::int64_t period);

std::string EncodeFormat(const spec::DedupPolicy& policy);
std::string Encode(const Kept& kept);
std::string Encode(const Decision& decision);
std::string EncodeSequence(std::uint64_t sequence);

// kConfig for another version's format and for state kept with another scope or window, which this
// policy cannot go on with; kCorruptState for bytes that the functions above cannot have written.
Status CheckFormat(std::string_view bytes, const spec::DedupPolicy& policy);
// kCorruptState, as above.
Result<Kept> DecodeKept(std::string_view bytes);
// Without id, cluster and camera: what a view of the kept records takes.
Result<Kept> DecodeKeptForView(std::string_view bytes);
Result<Decision> DecodeDecision(std::string_view bytes);
Result<std::uint64_t> DecodeSequence(std::string_view bytes);
Result<std::uint64_t> DecodeKeptKey(std::string_view key);
Result<std::int64_t> DecodePeriodKey(std::string_view key);

}  // namespace winnow::deduper
