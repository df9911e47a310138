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

inline constexpr std::uint32_t kStateVersion = 1;

// A record that was kept and that later ones are compared with.
struct Kept {
  RecordId id;
  RecordId cluster;
  std::optional<record::Fingerprint> fingerprint;
  friend bool operator==(const Kept&, const Kept&) = default;
};

inline constexpr std::string_view kVersionKey = "v";
inline constexpr std::string_view kKeptPrefix = "k";

std::string KeptKey(std::uint64_t sequence);  // sorts by sequence
std::string ContentKey(const Sha256Digest& sha256);
std::string RecordKey(const RecordId& id);

std::string EncodeVersion();
std::string Encode(const Kept& kept);
std::string Encode(const Judgement& judgement);
std::string EncodeSequence(std::uint64_t sequence);

// Error kCorruptState for bytes that the functions above cannot have written.
Status CheckVersion(std::string_view bytes);
Result<Kept> DecodeKept(std::string_view bytes);
Result<Judgement> DecodeJudgement(std::string_view bytes);
Result<std::uint64_t> DecodeSequence(std::string_view bytes);
Result<std::uint64_t> DecodeKeptKey(std::string_view key);

}  // namespace winnow::deduper
