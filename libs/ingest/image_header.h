// What the header of an image file says, without decoding it. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libs/base/clock.h"

namespace winnow::ingest {

struct ImageHeader {
  std::uint32_t width = 0;   // stored pixels; 0 if the header does not say
  std::uint32_t height = 0;
  int orientation = 1;       // EXIF 1..8
  std::optional<Timestamp> captured_at;  // EXIF DateTimeOriginal

  bool has_size() const { return width > 0 && height > 0; }
};

// Reads JPEG (SOF and Exif segments), PNG (IHDR, eXIf), WebP (VP8, VP8L, VP8X, EXIF), TIFF (first
// IFD) and BMP. Anything else, and anything damaged, gives what could be read. Never fails;
// thread-safe.
ImageHeader ReadImageHeader(std::string_view bytes);

}  // namespace winnow::ingest
