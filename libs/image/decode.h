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

// Decodes to 8-bit BGR: alpha over white (BMP: ignored), 16 bit scaled, CMYK converted, first page
// or frame. Checks the header before allocating, and that the file is long enough for the size it
// claims.
//
// Damaged data is a fault, never a half-grey picture: of libjpeg's warnings, all after which pixels
// are wrong or missing count (premature end, bad codes, lost synchronisation, data left over
// between markers); a JPEG or PNG without its end marker is kTruncated. On 1857 intact photographs
// none of this refuses one. What no decoder can see stays unseen: JPEG and WebP carry no checksum,
// and damage that happens to leave valid codes looks like another picture.
// kUnsupportedFormat covers known containers with contents outside the usual: 12-bit and lossless
// JPEG, run-length BMP, float TIFF, camera raw files (a TIFF whose first page is a preview).
// kDecodeTimeout also stands for JPEG files of more than 500 scans.
//
// Memory: 3 bytes a pixel; in passing up to 4 more for alpha, interlaced PNG with alpha, WebP, BMP
// and TIFF, and up to 8 more for progressive JPEG (libjpeg's coefficients).
// Thread-safe; never throws, whatever the bytes. The time limit is looked at between rows (WebP: 64
// kB of input, TIFF: strips, BMP: not at all, since it only copies).
Decoded Decode(std::string_view bytes, const DecodeLimits& limits);

}  // namespace winnow::image
