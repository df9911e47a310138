#include "services/deduper/state_entries.h"

#include <fmt/format.h>

#include <cstring>

#include "libs/base/wire.h"
#include "libs/spec/schema.h"

namespace winnow::deduper {
namespace {

Error Corrupt(std::string_view what) {
  return CorruptStateError(
      fmt::format("the deduper's {} cannot be read; remove the state and run again", what));
}

std::string_view Bytes(const Sha256Digest& sha256) {
  return {reinterpret_cast<const char*>(sha256.data()), sha256.size()};
}

void Write(WireWriter& writer, Timestamp time) {
  writer.U64(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

Timestamp ReadTime(WireReader& reader) {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(reader.U64())));
}

Sha256Digest ReadDigest(WireReader& reader) {
  Sha256Digest digest{};
  const std::string_view bytes = reader.Raw(digest.size());
  if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), bytes.size());
  return digest;
}

// What has no length of its own: all up to the texts.
void ReadFixed(WireReader& reader, Kept& kept) {
  if (reader.U8() == 1) {
    kept.fingerprint.emplace();
    for (std::uint64_t& word : kept.fingerprint->bits) word = reader.U64();
    kept.fingerprint->quality = static_cast<int>(reader.U32());
  }
  kept.traits.taken_at = ReadTime(reader);
  kept.burst_began = ReadTime(reader);
  kept.period = static_cast<std::int64_t>(reader.U64());
  kept.traits.rank = reader.U32();
  kept.sha256 = ReadDigest(reader);
}

// Periods before 1970 sort first.
std::uint64_t Sortable(std::int64_t period) {
  return static_cast<std::uint64_t>(period) ^ (std::uint64_t{1} << 63);
}

}  // namespace

std::string KeptKey(std::uint64_t sequence) {
  return WireWriter().Raw(kKeptPrefix).U64(sequence).Take();
}

std::string ContentKey(const Sha256Digest& sha256, std::string_view scope) {
  return WireWriter(1 + sha256.size() + scope.size())
      .Raw("c").Raw(Bytes(sha256)).Raw(scope).Take();
}

std::string DecisionPrefix(std::int64_t period) {
  return WireWriter().Raw("r").U64(Sortable(period)).Take();
}

std::string DecisionKey(std::int64_t period, const RecordId& id) {
  return WireWriter(9 + id.value().size())
      .Raw("r").U64(Sortable(period)).Raw(id.value()).Take();
}

std::string PeriodKey(std::int64_t period) {
  return WireWriter().Raw(kPeriodPrefix).U64(Sortable(period)).Take();
}

std::string EncodeFormat(const spec::DedupPolicy& policy) {
  return WireWriter()
      .U32(kStateVersion)
      .Text(Name(policy.scope))
      .Double(policy.window_seconds)
      .Take();
}

std::string Encode(const Kept& kept) {
  constexpr std::size_t kNumbers = 136;  // and the lengths of texts
  WireWriter writer(kNumbers + kept.id.value().size() + kept.cluster.value().size() +
                    kept.scope.size() + kept.traits.camera.value().size());
  writer.U8(kept.fingerprint ? 1 : 0);
  if (kept.fingerprint) {
    for (const std::uint64_t word : kept.fingerprint->bits) writer.U64(word);
    writer.U32(static_cast<std::uint32_t>(kept.fingerprint->quality));
  }
  Write(writer, kept.traits.taken_at);
  Write(writer, kept.burst_began);
  writer.U64(static_cast<std::uint64_t>(kept.period)).U32(kept.traits.rank);
  writer.Raw(Bytes(kept.sha256)).Text(kept.id.value()).Text(kept.cluster.value());
  return writer.Text(kept.scope).Text(kept.traits.camera.value()).Take();
}

std::string Encode(const Decision& decision) {
  const Judgement& judgement = decision.judgement;
  constexpr std::size_t kUsual = 128;  // nothing replaced
  WireWriter writer(kUsual);
  writer.U64(decision.sequence ? *decision.sequence + 1 : 0);
  writer.Text(Name(judgement.reason)).Text(judgement.earlier.value());
  writer.U32(static_cast<std::uint32_t>(judgement.distance));
  writer.U8(static_cast<std::uint8_t>(judgement.turn)).U32(judgement.earlier_rank);
  writer.Text(judgement.cluster.value());
  writer.U32(static_cast<std::uint32_t>(judgement.replaces.size()));
  for (const RecordId& id : judgement.replaces) writer.Text(id.value());
  return writer.Take();
}

std::string EncodeSequence(std::uint64_t sequence) { return WireWriter().U64(sequence).Take(); }

Status CheckFormat(std::string_view bytes, const spec::DedupPolicy& policy) {
  constexpr std::string_view kRemedy =
      "use a new output directory (as a service, a new topic prefix)";
  WireReader reader(bytes);
  const std::uint32_t version = reader.U32();
  if (version == 0 || version > 255) return Corrupt("format entry");
  if (version != kStateVersion) {
    return ConfigError(fmt::format(
        "this deduper's state has format {}, this Winnow reads {}: {} or the Winnow that wrote it",
        version, kStateVersion, kRemedy));
  }
  const std::string scope = reader.Text();
  const double window = reader.Double();
  if (!reader.Done()) return Corrupt("format entry");
  if (scope == Name(policy.scope) && window == policy.window_seconds) return {};
  return ConfigError(fmt::format(
      "this deduper's state was kept with dedup.scope {} and dedup.window_seconds {}: write these, "
      "or {}",
      scope, window, kRemedy));
}

Result<Kept> DecodeKept(std::string_view bytes) {
  WireReader reader(bytes);
  Kept kept;
  ReadFixed(reader, kept);
  kept.id = RecordId(reader.Text());
  kept.cluster = RecordId(reader.Text());
  kept.scope = reader.Text();
  kept.traits.camera = SourceId(reader.Text());
  if (!reader.Done()) return Corrupt("entry of a kept record");
  return kept;
}

Result<Kept> DecodeKeptForView(std::string_view bytes) {
  WireReader reader(bytes);
  Kept kept;
  ReadFixed(reader, kept);
  reader.SkipText();
  reader.SkipText();
  kept.scope = reader.Text();
  reader.SkipText();
  if (!reader.Done()) return Corrupt("entry of a kept record");
  return kept;
}

Result<Decision> DecodeDecision(std::string_view bytes) {
  WireReader reader(bytes);
  Decision decision;
  Judgement& judgement = decision.judgement;
  const std::uint64_t sequence = reader.U64();
  if (sequence > 0) decision.sequence = sequence - 1;
  const std::optional<record::Reason> reason = record::ReasonFromName(reader.Text());
  judgement.earlier = RecordId(reader.Text());
  judgement.distance = static_cast<int>(reader.U32());
  const std::uint8_t turn = reader.U8();
  judgement.earlier_rank = reader.U32();
  judgement.cluster = RecordId(reader.Text());
  for (std::uint32_t left = reader.U32(); left > 0 && reader.ok(); --left) {
    judgement.replaces.emplace_back(reader.Text());
  }
  if (!reader.Done() || !reason || turn >= record::kAllTurns.size()) {
    return Corrupt("entry of a decision");
  }
  judgement.reason = *reason;
  judgement.turn = record::kAllTurns[turn];
  return decision;
}

Result<std::uint64_t> DecodeSequence(std::string_view bytes) {
  WireReader reader(bytes);
  const std::uint64_t sequence = reader.U64();
  if (!reader.Done()) return Corrupt("sequence number");
  return sequence;
}

Result<std::uint64_t> DecodeKeptKey(std::string_view key) {
  return DecodeSequence(key.substr(kKeptPrefix.size()));
}

Result<std::int64_t> DecodePeriodKey(std::string_view key) {
  WINNOW_ASSIGN_OR_RETURN(const std::uint64_t period,
                          DecodeSequence(key.substr(kPeriodPrefix.size())));
  return static_cast<std::int64_t>(Sortable(static_cast<std::int64_t>(period)));
}

}  // namespace winnow::deduper
