#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "libs/image/decode_task.h"
#include "libs/image/stb_bmp.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

std::uint32_t LittleEndian(std::string_view bytes, std::size_t at, int size) {
  std::uint32_t value = 0;
  for (int i = size - 1; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

struct BmpHeader {
  std::uint32_t pixels_at = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::uint32_t bits = 0;
  std::uint32_t compression = 0;
};

// `bytes` holds at least 26 bytes; see SniffFormat.
BmpHeader ReadHeader(std::string_view bytes) {
  BmpHeader header;
  header.pixels_at = LittleEndian(bytes, 10, 4);
  if (LittleEndian(bytes, 14, 4) == 12) {
    header.width = LittleEndian(bytes, 18, 2);
    header.height = LittleEndian(bytes, 20, 2);
    header.bits = LittleEndian(bytes, 24, 2);
  } else if (bytes.size() >= 54) {
    header.width = static_cast<std::int32_t>(LittleEndian(bytes, 18, 4));
    header.height = std::abs(static_cast<std::int64_t>(
        static_cast<std::int32_t>(LittleEndian(bytes, 22, 4))));  // negative: top row first
    header.bits = LittleEndian(bytes, 28, 2);
    header.compression = LittleEndian(bytes, 30, 4);
  }
  return header;
}

// stb_image reads zeros past the end, so the length is checked here.
bool IsCutOff(const BmpHeader& header, std::size_t bytes) {
  const std::uint64_t row = (static_cast<std::uint64_t>(header.width) * header.bits + 31) / 32 * 4;
  const std::uint64_t last_row = (static_cast<std::uint64_t>(header.width) * header.bits + 7) / 8;
  const std::uint64_t rows = static_cast<std::uint64_t>(header.height);
  return header.pixels_at + row * (rows - 1) + last_row > bytes;
}

void RgbToBgr(const std::uint8_t* from, std::vector<std::uint8_t>& to) {
  for (std::size_t i = 0; i + 2 < to.size(); i += 3) {
    to[i] = from[i + 2];
    to[i + 1] = from[i + 1];
    to[i + 2] = from[i];
  }
}

}  // namespace

Decoded DecodeBmp(const DecodeTask& task) {
  const BmpHeader header = ReadHeader(task.bytes);
  if (task.bytes.size() < 54 && header.width == 0) {
    return Fault(Reason::kTruncated, "the file ends within its header");
  }
  Decoded fault = header.width < 0
                      ? Fault(Reason::kCorrupt, "negative width")
                      : CheckSize(task, static_cast<std::uint64_t>(header.width),
                                  static_cast<std::uint64_t>(header.height));
  if (fault.fault != Reason::kNone) return fault;
  constexpr std::uint32_t kPlain = 0;
  constexpr std::uint32_t kBitfields = 3;
  if (header.compression != kPlain && header.compression != kBitfields) {
    return Fault(Reason::kUnsupportedFormat,
                 fmt::format("BMP compression {}", header.compression));
  }
  if (IsCutOff(header, task.bytes.size())) {
    return Fault(Reason::kTruncated, "the file ends before its picture");
  }
  int width = 0;
  int height = 0;
  const std::unique_ptr<stbi_uc, decltype(&std::free)> rgb(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(task.bytes.data()),
                            static_cast<int>(task.bytes.size()), &width, &height, nullptr, 3),
      &std::free);
  // The length was right, so this is one of the many dialects stb_image does not speak.
  if (rgb == nullptr) return Fault(Reason::kUnsupportedFormat, stbi_failure_reason());
  if (width != header.width || height != header.height) {
    return Fault(Reason::kCorrupt, "the header contradicts itself");
  }
  auto frame = NewFrame(ImageFormat::kBmp, static_cast<std::uint32_t>(width),
                        static_cast<std::uint32_t>(height));
  RgbToBgr(rgb.get(), frame->pixels.bgr);
  return {std::move(frame), Reason::kNone, {}};
}

}  // namespace winnow::image
