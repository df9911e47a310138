// Any bytes either are refused or decode to a record that encodes to the same record again, whole or
// in outline.
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/check.h"
#include "libs/record/codec.h"

namespace {

using winnow::record::Extent;
using winnow::record::RecordCodec;
using winnow::record::Zone;

void RoundTrip(std::string_view bytes, Zone zone) {
  const auto record = RecordCodec::Decode(bytes, zone);
  if (!record) return;
  const std::string encoded = RecordCodec::Encode(*record);
  const auto again = RecordCodec::Decode(encoded, zone);
  WINNOW_CHECK(again.has_value());
  // Bytes, not records: NaN differs from itself.
  WINNOW_CHECK(RecordCodec::Encode(*again) == encoded);
  // The outline alone and the rest as it came are the same record.
  const auto outline = RecordCodec::Decode(bytes, zone, Extent::kOutline);
  WINNOW_CHECK(outline.has_value());
  const auto passed_on = RecordCodec::Decode(RecordCodec::Encode(*outline), zone);
  WINNOW_CHECK(passed_on.has_value());
  WINNOW_CHECK(RecordCodec::Encode(*passed_on) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RoundTrip(bytes, Zone::kRaw);
  RoundTrip(bytes, Zone::kSafe);
  return 0;
}
