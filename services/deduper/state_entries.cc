#include "services/deduper/state_entries.h"

#include <fmt/format.h>

#include "libs/base/wire.h"

namespace winnow::deduper {
namespace {

Error Corrupt(std::string_view what) {
  return CorruptStateError(
      fmt::format("the deduper's {} cannot be read; remove the state and run again", what));
}

}  // namespace

std::string KeptKey(std::uint64_t sequence) {
  return WireWriter().Raw(kKeptPrefix).U64(sequence).Take();
}

std::string ContentKey(const Sha256Digest& sha256) {
  return "c" + std::string(sha256.begin(), sha256.end());
}

std::string RecordKey(const RecordId& id) { return "r" + id.value(); }

std::string EncodeVersion() { return WireWriter().U32(kStateVersion).Take(); }

std::string Encode(const Kept& kept) {
  WireWriter writer;
  writer.Text(kept.id.value()).Text(kept.cluster.value());
  writer.U8(kept.fingerprint ? 1 : 0);
  if (kept.fingerprint) {
    for (const std::uint64_t word : kept.fingerprint->bits) writer.U64(word);
    writer.U32(static_cast<std::uint32_t>(kept.fingerprint->quality));
  }
  return writer.Take();
}

std::string Encode(const Judgement& judgement) {
  return WireWriter()
      .Text(Name(judgement.reason))
      .Text(judgement.earlier.value())
      .U32(static_cast<std::uint32_t>(judgement.distance))
      .Text(judgement.cluster.value())
      .Take();
}

std::string EncodeSequence(std::uint64_t sequence) { return WireWriter().U64(sequence).Take(); }

Status CheckVersion(std::string_view bytes) {
  WireReader reader(bytes);
  const std::uint32_t version = reader.U32();
  if (!reader.Done() || version != kStateVersion) return Corrupt("state version");
  return {};
}

Result<Kept> DecodeKept(std::string_view bytes) {
  WireReader reader(bytes);
  Kept kept;
  kept.id = RecordId(reader.Text());
  kept.cluster = RecordId(reader.Text());
  if (reader.U8() == 1) {
    kept.fingerprint.emplace();
    for (std::uint64_t& word : kept.fingerprint->bits) word = reader.U64();
    kept.fingerprint->quality = static_cast<int>(reader.U32());
  }
  if (!reader.Done()) return Corrupt("entry of a kept record");
  return kept;
}

Result<Judgement> DecodeJudgement(std::string_view bytes) {
  WireReader reader(bytes);
  const std::optional<record::Reason> reason = record::ReasonFromName(reader.Text());
  Judgement judgement;
  judgement.earlier = RecordId(reader.Text());
  judgement.distance = static_cast<int>(reader.U32());
  judgement.cluster = RecordId(reader.Text());
  if (!reader.Done() || !reason) return Corrupt("entry of a decision");
  judgement.reason = *reason;
  return judgement;
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

}  // namespace winnow::deduper
