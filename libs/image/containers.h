// Walks the segments and chunks of image files without decoding them. Private to the room. All
// views point into the bytes given; damaged structure ends the list, it never fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace winnow::image {

// A JPEG marker segment before the first scan. `body` is without marker and length.
struct JpegSegment {
  std::uint8_t marker = 0;
  std::string_view body;
};
std::vector<JpegSegment> JpegSegments(std::string_view bytes);

// `whole` includes length and CRC; `body` does not.
struct PngChunk {
  std::string_view type;
  std::string_view body;
  std::string_view whole;
};
// Up to and including IEND.
std::vector<PngChunk> PngChunks(std::string_view bytes);

struct RiffChunk {
  std::string_view type;
  std::string_view body;
};
std::vector<RiffChunk> WebpChunks(std::string_view bytes);

// The TIFF structure of a file's EXIF block; empty if there is none.
std::string_view JpegExif(std::string_view bytes);
std::string_view PngExif(std::string_view bytes);
std::string_view WebpExif(std::string_view bytes);

inline constexpr std::string_view kJpegExifPrefix("Exif\0\0", 6);

}  // namespace winnow::image
