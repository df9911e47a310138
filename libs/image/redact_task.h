// What the redactors of the single formats share. Private to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/image/exif_block.h"
#include "libs/image/redact.h"

namespace winnow::image {

struct RedactTask {
  std::string_view bytes;
  const Frame& frame;
  const std::vector<record::Box>& boxes;  // not empty where pixels are to be rewritten
  const RedactOptions& options;
};

// Adds what an XMP packet says about itself.
void AddXmpKinds(std::string_view packet, Kinds& kinds);

// The picture with its boxes destroyed.
Result<Pixels> MosaicPixels(const RedactTask& task);

// ---- JPEG: strip_jpeg.cc, redact_jpeg.cc ----

// Segments to write after SOI and JFIF: orientation, colour profile.
struct JpegMetadata {
  std::vector<std::string> segments;  // marker, length and body
  Kinds dropped;
};
JpegMetadata PlanJpegMetadata(std::string_view bytes, int orientation);

Result<std::string> StripJpeg(const RedactTask& task, Kinds& kinds);
Result<std::string> RedactJpeg(const RedactTask& task, Kinds& kinds);

// ---- PNG: strip_png.cc, write_png.cc ----

Result<std::string> StripPng(const RedactTask& task, Kinds& kinds);
// Chunks of a PNG that stay valid when its pixels are rewritten as 8-bit RGB.
std::string PngColourChunks(std::string_view bytes, Kinds& kinds);
// A complete eXIf chunk, or nothing for an upright picture.
std::string PngOrientationChunk(int orientation);
// `chunks`: complete chunks to stand before the picture data.
Result<std::string> WritePng(const Pixels& pixels, int orientation, std::string_view chunks);

// ---- WebP: strip_webp.cc ----

Result<std::string> StripWebp(const RedactTask& task, Kinds& kinds);
// Codes `pixels` losslessly, with orientation and the colour profile of task.bytes.
Result<std::string> WriteWebp(const RedactTask& task, const Pixels& pixels, Kinds& kinds);
bool IsAnimatedWebp(std::string_view bytes);

}  // namespace winnow::image
