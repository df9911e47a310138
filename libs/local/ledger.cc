#include "libs/local/ledger.h"

#include <fmt/format.h>

#include <charconv>

#include "libs/record/codec.h"

namespace winnow::local {
namespace {

using record::ImageRecord;
using record::RecordCodec;

constexpr std::size_t kSequenceBytes = 8;

// Big-endian, so that byte order is source order.
std::string EncodeSequence(std::uint64_t sequence) {
  std::string bytes(kSequenceBytes, '\0');
  for (std::size_t i = kSequenceBytes; i-- > 0; sequence >>= 8) {
    bytes[i] = static_cast<char>(sequence & 0xff);
  }
  return bytes;
}

std::uint64_t DecodeSequence(std::string_view bytes) {
  std::uint64_t sequence = 0;
  for (const char byte : bytes) sequence = sequence << 8 | static_cast<unsigned char>(byte);
  return sequence;
}

std::string Key(char kind, std::string_view rest) { return kind + std::string(rest); }

}  // namespace

std::vector<stream::StateWrite> RecordWrites(std::uint64_t sequence, const ImageRecord& record) {
  const std::string encoded = EncodeSequence(sequence);
  return {{Key('r', encoded), RecordCodec::EncodeWithoutPayload(record)},
          {Key('i', record.id.value()), encoded}};
}

stream::StateWrite DoneWrite(std::string_view entry_name, std::string_view version,
                             std::uint64_t sequence) {
  return {Key('n', entry_name), std::string(version) + '\0' + EncodeSequence(sequence)};
}

stream::StateWrite TotalsWrite(const Totals& totals) { return {"t", totals.Encode()}; }

stream::StateWrite StartWrite(Timestamp start) {
  return {"s", fmt::format("{}", start.time_since_epoch().count())};
}

stream::StateWrite NextSequenceWrite(std::uint64_t next) { return {"q", EncodeSequence(next)}; }

Result<bool> Ledger::IsDone(std::string_view entry_name, std::string_view version) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> done, view_.Get(Key('n', entry_name)));
  return done && done->size() == version.size() + 1 + kSequenceBytes &&
         done->starts_with(version);
}

Result<std::optional<std::uint64_t>> Ledger::SequenceOf(const RecordId& id) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> encoded,
                          view_.Get(Key('i', id.value())));
  if (!encoded) return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(DecodeSequence(*encoded));
}

Result<std::optional<ImageRecord>> Ledger::At(std::string_view encoded_sequence) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                          view_.Get(Key('r', encoded_sequence)));
  if (!bytes) return std::optional<ImageRecord>();
  auto record = RecordCodec::Decode(*bytes, record::Zone::kRaw);
  if (!record) return CorruptStateError("the ledger: " + record.error().message);
  return std::optional<ImageRecord>(std::move(*record));
}

Result<std::optional<ImageRecord>> Ledger::Find(const RecordId& id) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> encoded,
                          view_.Get(Key('i', id.value())));
  if (!encoded) return std::optional<ImageRecord>();
  return At(*encoded);
}

Result<std::optional<ImageRecord>> Ledger::FindByName(std::string_view entry_name) const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> done, view_.Get(Key('n', entry_name)));
  if (!done || done->size() < kSequenceBytes) return std::optional<ImageRecord>();
  return At(std::string_view(*done).substr(done->size() - kSequenceBytes));
}

Status Ledger::ForEach(const std::function<bool(const ImageRecord&)>& visit) const {
  Status decoded;
  WINNOW_RETURN_IF_ERROR(view_.Scan("r", [&](std::string_view, std::string_view bytes) {
    auto record = RecordCodec::Decode(bytes, record::Zone::kRaw);
    if (!record) {
      decoded = CorruptStateError("the ledger: " + record.error().message);
      return false;
    }
    return visit(*record);
  }));
  return decoded;
}

Result<Totals> Ledger::ReadTotals() const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> text, view_.Get("t"));
  if (!text) return Totals();
  return Totals::Decode(*text);
}

Result<std::optional<Timestamp>> Ledger::Start() const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> text, view_.Get("s"));
  if (!text) return std::optional<Timestamp>();
  std::int64_t milliseconds = 0;
  const auto [end, fault] =
      std::from_chars(text->data(), text->data() + text->size(), milliseconds);
  if (fault != std::errc() || end != text->data() + text->size()) {
    return CorruptStateError("the ledger holds a start time that is no number");
  }
  return std::optional<Timestamp>(Timestamp(std::chrono::milliseconds(milliseconds)));
}

Result<std::uint64_t> Ledger::NextSequence() const {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::string> encoded, view_.Get("q"));
  return encoded ? DecodeSequence(*encoded) : 0;
}

}  // namespace winnow::local
