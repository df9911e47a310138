// ImageRecord to and from its wire form (proto/winnow/v1/image_record.proto). The only place that
// sees generated code.
#pragma once

#include <string>
#include <string_view>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::record {

// Where the bytes to decode were read from; decides the type of the payload. From kRaw every
// payload is a RawPayload. From kSafe it is a SafePayload if it was one when encoded; a raw payload
// without bytes (a refused image's) stays raw, and one with bytes is an error: nothing unredacted
// enters the safe zone by being read there.
enum class Zone { kRaw, kSafe };

// Stateless; all functions are thread-safe.
class RecordCodec {
 public:
  // Deterministic: equal records give equal bytes. Text that is not UTF-8 is changed as by ToUtf8
  // (utf8.h), except `source.path` and the details, which keep their bytes. The attachment is not
  // encoded; what is undecoded is, as it came. Payloads above 2 GB end the process: sources must refuse them.
  static std::string Encode(const ImageRecord& record);
  // The same without payload bytes (media type, length and digest stay, see PayloadContent).
  static std::string EncodeWithoutPayload(const ImageRecord& record);
  // Error kInput for bytes that are not an ImageRecord, and for enum values outside the closed
  // sets. Fields of a newer schema are kept in `unknown_fields` at every level; in geometry, which
  // never gets new ones (proto/README.md), they are an error. Values are not judged: that is the
  // validator's work.
  static Result<ImageRecord> Decode(std::string_view bytes, Zone zone);
  // The same for what it decodes. kOutline: all but the fields ImageRecord::undecoded names, of
  // which consent and redaction must then stay unset. A record with a large picture in it is
  // decoded whole.
  static Result<ImageRecord> Decode(std::string_view bytes, Zone zone, Extent extent);
};

}  // namespace winnow::record
