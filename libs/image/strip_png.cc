#include <algorithm>
#include <array>

#include "libs/image/containers.h"
#include "libs/image/redact_task.h"

namespace winnow::image {
namespace {

// Needed to show the picture as it was meant. Everything else goes, known or not.
constexpr std::array<std::string_view, 10> kKept = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS",
                                                    "gAMA", "cHRM", "sRGB", "iCCP", "pHYs"};
// Of these, what does not depend on how pixels are coded.
constexpr std::array<std::string_view, 4> kColour = {"gAMA", "cHRM", "sRGB", "pHYs"};

template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& types, std::string_view type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

void AddKinds(const PngChunk& chunk, Kinds& kinds) {
  if (chunk.type == "eXIf") {
    kinds.merge(ExifKinds(chunk.body.substr(
        chunk.body.substr(0, kJpegExifPrefix.size()) == kJpegExifPrefix ? kJpegExifPrefix.size()
                                                                        : 0)));
  } else if (chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt") {
    kinds.insert("comment");
    if (chunk.body.substr(0, 17) == "XML:com.adobe.xmp") AddXmpKinds(chunk.body, kinds);
    // ImageMagick's way to put EXIF and IPTC into a PNG.
    if (chunk.body.find("Raw profile type exif") == 0) kinds.insert("exif");
    if (chunk.body.find("Raw profile type iptc") == 0) kinds.insert("iptc");
  } else if (chunk.type == "acTL" || chunk.type == "fcTL" || chunk.type == "fdAT") {
    kinds.insert("frames");
  } else {
    kinds.insert("other");
  }
}

void Append32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

// CRC-32 of ISO 3309, bit by bit: the only chunk made here has 30 bytes.
std::uint32_t Crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

std::string Chunk(std::string_view type, std::string_view body) {
  std::string out;
  Append32(out, static_cast<std::uint32_t>(body.size()));
  out.append(type).append(body);
  Append32(out, Crc(std::string_view(out).substr(4)));
  return out;
}

std::size_t SizeOf(const std::vector<PngChunk>& chunks) {
  std::size_t size = 8;
  for (const PngChunk& chunk : chunks) size += chunk.whole.size();
  return size;
}

bool IsComplete(const std::vector<PngChunk>& chunks) {
  return !chunks.empty() && chunks.front().type == "IHDR" && chunks.back().type == "IEND";
}

// A profile must match the colour type; rewritten pixels are RGB.
bool IsRgb(const std::vector<PngChunk>& chunks) {
  constexpr char kColourBit = 2;
  return IsComplete(chunks) && chunks.front().body.size() >= 13 &&
         (chunks.front().body[9] & kColourBit) != 0;
}

}  // namespace

std::string PngOrientationChunk(int orientation) {
  return orientation == 1 ? std::string() : Chunk("eXIf", OrientationExif(orientation));
}

Result<std::string> StripPng(const RedactTask& task, Kinds& kinds) {
  const std::vector<PngChunk> chunks = PngChunks(task.bytes);
  if (!IsComplete(chunks)) return InputError("the PNG file ends before its picture");
  if (SizeOf(chunks) < task.bytes.size()) kinds.insert("trailing_data");
  std::string out(task.bytes.substr(0, 8));
  for (const PngChunk& chunk : chunks) {
    if (!Contains(kKept, chunk.type)) {
      AddKinds(chunk, kinds);
      continue;
    }
    out.append(chunk.whole);
    if (chunk.type == "IHDR") out.append(PngOrientationChunk(task.frame.orientation));
  }
  return out;
}

std::string PngColourChunks(std::string_view bytes, Kinds& kinds) {
  const std::vector<PngChunk> chunks = PngChunks(bytes);
  if (SizeOf(chunks) < bytes.size()) kinds.insert("trailing_data");
  std::string kept;
  for (const PngChunk& chunk : chunks) {
    if (Contains(kColour, chunk.type) || (chunk.type == "iCCP" && IsRgb(chunks))) {
      kept.append(chunk.whole);
    } else if (!Contains(kKept, chunk.type)) {
      AddKinds(chunk, kinds);
    }
  }
  return kept;
}

}  // namespace winnow::image
