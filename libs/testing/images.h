// Generated test pictures, as pixels and as complete files. Same options, same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/image/frame.h"

namespace winnow::testing {

enum class Chroma { k444, k422, k420, kGrey, kCmyk };

struct MakeImageOptions {
  std::uint32_t width = 320;
  std::uint32_t height = 240;
  // Different seeds give pictures that no fingerprint takes for one another; all are sharp and
  // well exposed.
  std::uint32_t seed = 1;
  double brightness = 1.0;    // factor on every sample: 0.1 is too dark
  std::uint32_t blur = 0;     // radius of a box blur, pixels: 8 is too blurred

  // JPEG only.
  int quality = 90;
  Chroma chroma = Chroma::k420;
  bool progressive = false;
  bool arithmetic = false;
  bool optimized = false;  // Huffman tables with the symbols that occur and no others
  unsigned restart_interval = 0;  // MCUs; 0 = none

  // PNG and WebP: a fourth channel, half transparent in the right half.
  bool alpha = false;
  bool interlaced = false;  // PNG
  bool lossless = true;     // WebP

  // Metadata. BMP can hold none of it, TIFF only the orientation and the private kind.
  int orientation = 1;        // EXIF 1..8
  // GPS position, serial number, maker note, embedded thumbnail, XMP, IPTC (JPEG), a comment and
  // (JPEG) bytes after the picture. All text of it contains kSecret.
  bool private_metadata = false;
  bool colour_profile = false;  // some bytes in the place of an ICC profile: kProfile
};

inline constexpr std::string_view kSecret = "WINNOW-TEST-SECRET";
inline constexpr std::string_view kProfile = "not really an ICC profile, but bytes to keep";

// Opaque, as stored; `frame.format` is unknown.
image::Pixels MakePixels(const MakeImageOptions& options = {});

std::string MakeJpeg(const MakeImageOptions& options = {});
std::string MakePng(const MakeImageOptions& options = {});
std::string MakeWebp(const MakeImageOptions& options = {});
std::string MakeTiff(const MakeImageOptions& options = {});
std::string MakeBmp(const MakeImageOptions& options = {});

// A TIFF structure as found in EXIF blocks, with everything `options` asks for.
std::string MakeExif(const MakeImageOptions& options);

}  // namespace winnow::testing
