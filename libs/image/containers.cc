#include "libs/image/containers.h"

#include <algorithm>

namespace winnow::image {
namespace {

std::uint32_t BigEndian(std::string_view bytes, std::size_t at, int size) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

std::uint32_t LittleEndian32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

std::string_view WithoutPrefix(std::string_view block) {
  return block.substr(0, kJpegExifPrefix.size()) == kJpegExifPrefix
             ? block.substr(kJpegExifPrefix.size())
             : block;
}

constexpr std::uint8_t kSos = 0xda;
constexpr std::uint8_t kEoi = 0xd9;

bool HasNoBody(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8); }

}  // namespace

std::vector<JpegSegment> JpegSegments(std::string_view bytes) {
  std::vector<JpegSegment> segments;
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    const auto marker = static_cast<std::uint8_t>(bytes[at + 1]);
    if (static_cast<std::uint8_t>(bytes[at]) != 0xff || marker == 0xff || HasNoBody(marker)) {
      ++at;  // as libjpeg does: skip to the next marker
      continue;
    }
    if (marker == kSos || marker == kEoi) break;
    const std::size_t length = BigEndian(bytes, at + 2, 2);
    if (length < 2 || bytes.size() - at - 2 < length) break;
    segments.push_back({marker, bytes.substr(at + 4, length - 2)});
    at += 2 + length;
  }
  return segments;
}

std::vector<PngChunk> PngChunks(std::string_view bytes) {
  std::vector<PngChunk> chunks;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = BigEndian(bytes, at, 4);
    if (bytes.size() - at - 12 < length) break;
    chunks.push_back({bytes.substr(at + 4, 4), bytes.substr(at + 8, length),
                      bytes.substr(at, length + 12)});
    if (chunks.back().type == "IEND") break;
    at += length + 12;
  }
  return chunks;
}

std::vector<RiffChunk> WebpChunks(std::string_view bytes) {
  std::vector<RiffChunk> chunks;
  if (bytes.size() < 12) return chunks;
  const std::size_t end = std::min(bytes.size(), std::size_t{LittleEndian32(bytes, 4)} + 8);
  for (std::size_t at = 12; at + 8 <= end;) {
    const std::size_t length = LittleEndian32(bytes, at + 4);
    if (end - at - 8 < length) break;
    chunks.push_back({bytes.substr(at, 4), bytes.substr(at + 8, length)});
    at += 8 + length + length % 2;
  }
  return chunks;
}

std::string_view JpegExif(std::string_view bytes) {
  constexpr std::uint8_t kApp1 = 0xe1;
  for (const JpegSegment& segment : JpegSegments(bytes)) {
    if (segment.marker == kApp1 && segment.body.substr(0, 6) == kJpegExifPrefix) {
      return segment.body.substr(6);
    }
  }
  return {};
}

std::string_view PngExif(std::string_view bytes) {
  for (const PngChunk& chunk : PngChunks(bytes)) {
    if (chunk.type == "eXIf") return WithoutPrefix(chunk.body);
  }
  return {};
}

std::string_view WebpExif(std::string_view bytes) {
  for (const RiffChunk& chunk : WebpChunks(bytes)) {
    if (chunk.type == "EXIF") return WithoutPrefix(chunk.body);
  }
  return {};
}

}  // namespace winnow::image
