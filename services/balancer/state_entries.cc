#include "services/balancer/state_entries.h"

#include <fmt/format.h>

#include <optional>

#include "libs/base/wire.h"

namespace winnow::balancer {

using record::Disposition;
using record::Reason;

namespace {

constexpr std::uint8_t kFromReserve = 1;
constexpr std::uint8_t kInPlaceOfOthers = 2;

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

void AppendNumbers(WireWriter& writer, const Numbers& numbers) {
  writer.U32(static_cast<std::uint32_t>(numbers.size()));
  for (const std::uint32_t number : numbers) writer.U32(number);
}

Numbers ReadNumbers(WireReader& reader) {
  Numbers numbers;
  for (std::uint32_t left = reader.U32(); left > 0 && reader.ok(); --left) {
    numbers.push_back(reader.U32());
  }
  return numbers;
}

void AppendAdmission(WireWriter& writer, const Decision& decision) {
  writer.U8((decision.from_reserve ? kFromReserve : 0) |
            (decision.withdrawn ? kInPlaceOfOthers : 0));
  AppendNumbers(writer, decision.strata);
  if (decision.withdrawn) AppendNumbers(writer, *decision.withdrawn);
}

void ReadAdmission(WireReader& reader, Decision& decision) {
  const std::uint8_t flags = reader.U8();
  decision.from_reserve = (flags & kFromReserve) != 0;
  decision.strata = ReadNumbers(reader);
  if ((flags & kInPlaceOfOthers) != 0) decision.withdrawn = ReadNumbers(reader);
}

}  // namespace

Disposition Decision::disposition() const {
  switch (judgement.reason) {
    case Reason::kNone: return Disposition::kForwarded;
    case Reason::kOverTargetShare:
    case Reason::kQuotaReached: return Disposition::kDeferred;
    default: return Disposition::kRejected;
  }
}

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
  WireWriter writer;
  writer.Text(Name(decision.judgement.reason))
      .Text(decision.judgement.stratum)
      .Double(decision.judgement.count)
      .Double(decision.judgement.limit);
  switch (decision.disposition()) {
    case Disposition::kForwarded: AppendAdmission(writer, decision); break;
    case Disposition::kDeferred: writer.U64(decision.sequence); break;
    default: writer.Text(decision.superseded_by.value());
  }
  return writer.Take();
}

std::string Encode(const CountEntry& count) {
  return WireWriter().U64(count.count).U32(count.number).Take();
}

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
  const std::optional<Reason> reason = record::ReasonFromName(reader.Text());
  if (!reason) return Corrupt("entry of a decision");
  Decision decision;
  decision.judgement.reason = *reason;
  decision.judgement.stratum = reader.Text();
  decision.judgement.count = reader.Double();
  decision.judgement.limit = reader.Double();
  switch (decision.disposition()) {
    case Disposition::kForwarded: ReadAdmission(reader, decision); break;
    case Disposition::kDeferred: decision.sequence = reader.U64(); break;
    default: decision.superseded_by = RecordId(reader.Text());
  }
  if (!reader.Done()) return Corrupt("entry of a decision");
  return decision;
}

Result<CountEntry> DecodeCount(std::string_view bytes) {
  WireReader reader(bytes);
  CountEntry entry;
  entry.count = reader.U64();
  entry.number = reader.U32();
  if (!reader.Done()) return Corrupt("count");
  return entry;
}

Result<std::uint64_t> DecodeHeldKey(std::string_view key) {
  WireReader reader(key.substr(kHeldPrefix.size()));
  const std::uint64_t sequence = reader.U64();
  if (!reader.Done()) return Corrupt("held image's key");
  return sequence;
}

Result<std::pair<std::string, std::string>> DecodeCountKey(std::string_view key) {
  WireReader reader(key.substr(kCountPrefix.size()));
  std::string axis = reader.Text();
  std::string value = reader.Text();
  if (!reader.Done()) return Corrupt("count's key");
  return std::pair(std::move(axis), std::move(value));
}

}  // namespace winnow::balancer
