// Irreversible redaction that leaves the rest of the file as it was, and metadata removal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/image/frame.h"
#include "libs/record/image_record.h"

namespace winnow::image {

struct RedactOptions {
  std::uint32_t cells = 4;  // mosaic cells across the longer side of a region
};

struct Redacted {
  std::string bytes;                  // a complete file of the same format
  std::vector<std::string> stripped;  // kinds of metadata removed
};

// Destroys `boxes` (stored pixels; clipped to the picture) and strips metadata.
//
// JPEG: in the DCT domain. Every 8x8 block (16x16 where chroma is subsampled) that no box touches
// keeps its coefficients bit for bit; touched ones become the mean of cells sized to the box.
// PNG and WebP: in pixels (WebP lossless), TIFF and BMP become PNG. Without boxes the
// coded picture is bit-exact whatever the format; only metadata goes.
//
// Always removed: GPS, serial numbers, maker notes, embedded thumbnails and previews, XMP, IPTC,
// comments, and bytes after the end of the picture. Kept: EXIF orientation (alone, in a fresh EXIF block), colour profile.
// Error kInput if the file cannot be rewritten. Thread-safe.
Result<Redacted> Redact(std::string_view bytes, const Frame& frame,
                        const std::vector<record::Box>& boxes, const RedactOptions& options);

}  // namespace winnow::image
