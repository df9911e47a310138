#include "services/balancer/state_entries.h"

#include <fmt/format.h>

#include <optional>

#include "libs/base/wire.h"

namespace winnow::balancer {
namespace {

Error Corrupt(std::string_view what) {
  return CorruptStateError(
      fmt::format("the balancer's {} cannot be read; remove the state and run again", what));
}

void AppendTexts(WireWriter& writer, const std::vector<std::string>& texts) {
  writer.U32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) writer.Text(text);
}

// Stops at the end of the bytes, whatever the count claims.
std::vector<std::string> ReadTexts(WireReader& reader) {
  std::vector<std::string> texts;
  for (std::uint32_t left = reader.U32(); left > 0 && reader.ok(); --left) {
    texts.push_back(reader.Text());
  }
  return texts;
}

}  // namespace

std::string CountKey(std::string_view axis, std::string_view value) {
  return WireWriter().Raw(kCountPrefix).Text(axis).Text(value).Take();
}

std::string HeldKey(std::uint64_t sequence) {
  return WireWriter().Raw(kHeldPrefix).U64(sequence).Take();
}

std::string ImageKey(std::uint64_t sequence) { return WireWriter().Raw("p").U64(sequence).Take(); }

std::string DecisionKey(const RecordId& id) { return "d" + id.value(); }

std::string Encode(const Totals& totals) {
  WireWriter writer;
  writer.U32(kStateVersion).U64(totals.admitted).U64(totals.next_sequence);
  AppendTexts(writer, totals.axes);
  return writer.Take();
}

std::string Encode(const HeldEntry& held) {
  WireWriter writer;
  writer.U32(held.rank).U8(held.quota_reached ? 1 : 0).U64(held.bytes);
  writer.U32(static_cast<std::uint32_t>(held.strata.size()));
  for (const std::vector<std::string>& values : held.strata) AppendTexts(writer, values);
  return writer.Take();
}

std::string Encode(const Decision& decision) {
  return WireWriter()
      .Text(Name(decision.judgement.reason))
      .Text(decision.judgement.stratum)
      .Double(decision.judgement.count)
      .Double(decision.judgement.limit)
      .U8(decision.from_reserve ? 1 : 0)
      .Take();
}

std::string EncodeCount(std::uint64_t count) { return WireWriter().U64(count).Take(); }

Result<Totals> DecodeTotals(std::string_view bytes) {
  WireReader reader(bytes);
  const std::uint32_t version = reader.U32();
  if (reader.ok() && version != kStateVersion) {
    return ConfigError(fmt::format(
        "this balancer's state has format {}, this Winnow reads {}: use a new output directory (as "
        "a service, a new topic prefix) or the Winnow that wrote it",
        version, kStateVersion));
  }
  Totals totals;
  totals.admitted = reader.U64();
  totals.next_sequence = reader.U64();
  totals.axes = ReadTexts(reader);
  if (!reader.Done()) return Corrupt("totals");
  return totals;
}

Result<HeldEntry> DecodeHeld(std::string_view bytes) {
  WireReader reader(bytes);
  HeldEntry held;
  held.rank = reader.U32();
  held.quota_reached = reader.U8() == 1;
  held.bytes = reader.U64();
  for (std::uint32_t left = reader.U32(); left > 0 && reader.ok(); --left) {
    held.strata.push_back(ReadTexts(reader));
  }
  if (!reader.Done()) return Corrupt("entry of a held image");
  return held;
}

Result<Decision> DecodeDecision(std::string_view bytes) {
  WireReader reader(bytes);
  const std::optional<record::Reason> reason = record::ReasonFromName(reader.Text());
  Decision decision;
  decision.judgement.stratum = reader.Text();
  decision.judgement.count = reader.Double();
  decision.judgement.limit = reader.Double();
  decision.from_reserve = reader.U8() == 1;
  if (!reader.Done() || !reason) return Corrupt("entry of a decision");
  decision.judgement.reason = *reason;
  return decision;
}

Result<std::uint64_t> DecodeCount(std::string_view bytes) {
  WireReader reader(bytes);
  const std::uint64_t count = reader.U64();
  if (!reader.Done()) return Corrupt("count");
  return count;
}

Result<std::uint64_t> DecodeHeldKey(std::string_view key) {
  return DecodeCount(key.substr(kHeldPrefix.size()));
}

Result<std::pair<std::string, std::string>> DecodeCountKey(std::string_view key) {
  WireReader reader(key.substr(kCountPrefix.size()));
  std::string axis = reader.Text();
  std::string value = reader.Text();
  if (!reader.Done()) return Corrupt("count's key");
  return std::pair(std::move(axis), std::move(value));
}

}  // namespace winnow::balancer
