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
  std::uint32_t cells = 4;  // mosaic cells across the longer side of a region, at least 1
};

struct Redacted {
  std::string bytes;                  // a complete file
  // Kinds of metadata removed, sorted: "exif" and, found in it or elsewhere, "gps", "serial",
  // "maker_note", "thumbnail", "xmp", "iptc", "comment"; "frames" (an animation's other frames),
  // "trailing_data", "other" (unknown segments and chunks).
  std::vector<std::string> stripped;
  // Of `bytes`: that of the input, except that TIFF and BMP become PNG.
  record::ImageFormat format = record::ImageFormat::kUnknown;
};

// Destroys `boxes` (stored pixels; clipped to the picture) and strips metadata. `frame` is what
// Decode made of the same bytes.
//
// A box grows to whole MCUs (JPEG) or pixels and is cut into at most `cells` cells along its longer
// side, each at least an MCU or 8x8 pixels; every cell becomes its mean. What is left of a region
// is those few colours, so there is nothing to reconstruct a face from, whatever its size.
//
// JPEG: in the DCT domain. Every 8x8 block (16x16 where chroma is subsampled) that no box touches
// keeps its coefficients bit for bit, with the same quantisation tables and sampling, progressive
// or not; touched blocks keep only a DC term, the mean over their cell. Entropy coding is redone;
// arithmetic-coded input comes out Huffman-coded.
// PNG and WebP: in pixels, 8-bit without alpha (as Frame), losslessly coded.
// TIFF and BMP become PNG from pixels, also without boxes: TIFF weaves its metadata into the
// structure, so copying the rest cannot be proven clean. Their colour profile is not carried over.
// Without boxes, JPEG, PNG and WebP keep the coded picture byte for byte; only metadata goes.
// Animations and multi-page files keep their first frame alone, since only that one was looked at
// (an animated WebP is coded anew even without boxes).
//
// Always removed: GPS, serial numbers, maker notes, embedded thumbnails and previews, XMP, IPTC,
// comments, and bytes after the end of the picture (second images of MPO files, video tails).
// Kept: EXIF orientation (alone, in a fresh EXIF block), colour profile, and what a decoder needs.
//
// Error kInput if the file cannot be rewritten, does not match `frame`, or a box is not finite.
// Thread-safe; never throws.
Result<Redacted> Redact(std::string_view bytes, const Frame& frame,
                        const std::vector<record::Box>& boxes, const RedactOptions& options);

}  // namespace winnow::image
