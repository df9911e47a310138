// ImageRecord to and from its wire form (proto/winnow/v1/image_record.proto). The only place that
// sees generated code.
#pragma once

#include <string>
#include <string_view>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::record {

// Where the bytes to decode were read from; decides the type of the payload.
enum class Zone { kRaw, kSafe };

// Stateless; all functions are thread-safe.
class RecordCodec {
 public:
  // Deterministic: equal records give equal bytes.
  static std::string Encode(const ImageRecord& record);
  // The same without payload bytes (media type, length and digest stay).
  static std::string EncodeWithoutPayload(const ImageRecord& record);
  // Error kInput for bytes that are not an ImageRecord, and for enum values outside the closed
  // sets. Fields of a newer schema are kept.
  static Result<ImageRecord> Decode(std::string_view bytes, Zone zone);
};

}  // namespace winnow::record
