#include "libs/image/decode.h"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <new>

#include "libs/image/decode_task.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

bool StartsWith(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

// Device-independent bitmaps exist with other header sizes; these are all that were ever written.
bool LooksLikeBmp(std::string_view bytes) {
  if (!StartsWith(bytes, "BM") || bytes.size() < 26) return false;
  const auto header_size = static_cast<unsigned char>(bytes[14]);
  return (header_size == 12 || header_size == 40 || header_size == 52 || header_size == 56 ||
          header_size == 64 || header_size == 108 || header_size == 124) &&
         bytes.substr(15, 3) == std::string_view("\0\0\0", 3);
}

Decoded Dispatch(const DecodeTask& task) {
  switch (SniffFormat(task.bytes)) {
    case ImageFormat::kJpeg: return DecodeJpeg(task);
    case ImageFormat::kPng: return DecodePng(task);
    case ImageFormat::kWebp: return DecodeWebp(task);
    case ImageFormat::kTiff: return DecodeTiff(task);
    case ImageFormat::kBmp: return DecodeBmp(task);
    case ImageFormat::kUnknown: break;
  }
  return Fault(Reason::kUnsupportedFormat, "not JPEG, PNG, WebP, TIFF or BMP");
}

}  // namespace

record::ImageFormat SniffFormat(std::string_view bytes) {
  if (StartsWith(bytes, "\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (StartsWith(bytes, "\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") {
    return ImageFormat::kWebp;
  }
  constexpr std::array<std::string_view, 4> kTiff = {
      std::string_view("II*\0", 4), std::string_view("MM\0*", 4),  // classic
      std::string_view("II+\0", 4), std::string_view("MM\0+", 4)};  // BigTIFF
  for (const std::string_view magic : kTiff) {
    if (StartsWith(bytes, magic)) return ImageFormat::kTiff;
  }
  return LooksLikeBmp(bytes) ? ImageFormat::kBmp : ImageFormat::kUnknown;
}

Decoded Decode(std::string_view bytes, const DecodeLimits& limits) {
  if (bytes.empty()) return Fault(Reason::kEmptyFile, "0 bytes");
  if (bytes.size() > limits.max_bytes) {
    return Fault(Reason::kTooManyBytes, fmt::format("{} bytes, the limit is {}", bytes.size(),
                                                    limits.max_bytes));
  }
  const Deadline deadline(limits.max_seconds);
  try {
    return Dispatch({bytes, limits, deadline});
  } catch (const std::bad_alloc&) {
    return Fault(Reason::kTooManyPixels, "not enough memory for the picture");
  } catch (const std::exception& error) {
    return Fault(Reason::kCorrupt, error.what());
  }
}

Decoded CheckSize(const DecodeTask& task, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) {
    return Fault(Reason::kCorrupt, fmt::format("the header says {}x{} pixels", width, height));
  }
  if (width > UINT32_MAX || height > UINT32_MAX || width * height > task.limits.max_pixels) {
    return Fault(Reason::kTooManyPixels, fmt::format("{}x{} pixels, the limit is {} in all", width,
                                                     height, task.limits.max_pixels));
  }
  return {};
}

std::shared_ptr<Frame> NewFrame(ImageFormat format, std::uint32_t width, std::uint32_t height) {
  auto frame = std::make_shared<Frame>();
  frame->format = format;
  frame->pixels.width = width;
  frame->pixels.height = height;
  frame->pixels.bgr.resize(std::size_t{width} * height * 3);
  return frame;
}

void OverWhite(const std::uint8_t* from, std::uint32_t width, std::uint8_t* to) {
  for (std::uint32_t x = 0; x < width; ++x, from += 4, to += 3) {
    const unsigned alpha = from[3];
    for (int channel = 0; channel < 3; ++channel) {
      to[channel] =
          static_cast<std::uint8_t>((from[channel] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
}

}  // namespace winnow::image
