// Decoding of hostile files under limits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/result.h"
#include "libs/image/frame.h"

namespace winnow::image {

struct DecodeLimits {
  std::uint64_t max_bytes = 64ull << 20;
  std::uint64_t max_pixels = 100'000'000;
  double max_seconds = 10;  // CPU seconds of the calling thread
};

// Exactly one of `frame` and a `fault` other than kNone.
struct Decoded {
  std::shared_ptr<const Frame> frame;
  record::Reason fault = record::Reason::kNone;  // one of the "reading and decoding" reasons
  std::string detail;                            // what the decoder said, one line
};

// By content, never by name. kUnknown for anything else.
record::ImageFormat SniffFormat(std::string_view bytes);

// Decodes to 8-bit BGR (alpha over white, 16 bit scaled, CMYK converted, first page or frame).
// Checks the header before allocating. Damaged data is a fault, never a half-grey picture.
// Thread-safe; never throws, whatever the bytes.
Decoded Decode(std::string_view bytes, const DecodeLimits& limits);

}  // namespace winnow::image
