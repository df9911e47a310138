#include "libs/image/redact.h"

#include <fmt/format.h>

#include <array>
#include <exception>

#include "libs/image/decode.h"
#include "libs/image/redact_task.h"
#include "libs/image/regions.h"

namespace winnow::image {
namespace {

using record::ImageFormat;

// A cell of fewer pixels could keep more of a small face than a JPEG block does.
constexpr std::uint32_t kMinCell = 8;

void Average(const Region& cell, Pixels& pixels) {
  std::array<std::uint64_t, 3> sums{};
  const std::uint64_t count =
      std::uint64_t{cell.right - cell.left} * (cell.bottom - cell.top);
  const auto for_each = [&](const auto& visit) {
    for (std::size_t y = cell.top; y < cell.bottom; ++y) {
      for (std::size_t x = cell.left; x < cell.right; ++x) {
        visit(&pixels.bgr[(y * pixels.width + x) * 3]);
      }
    }
  };
  for_each([&](const std::uint8_t* pixel) {
    for (std::size_t c = 0; c < 3; ++c) sums[c] += pixel[c];
  });
  for_each([&](std::uint8_t* pixel) {
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = static_cast<std::uint8_t>((sums[c] + count / 2) / count);
    }
  });
}

Result<std::string> RewriteAsPng(const RedactTask& task, std::string_view chunks) {
  WINNOW_ASSIGN_OR_RETURN(const Pixels pixels, MosaicPixels(task));
  return WritePng(pixels, task.frame.orientation, chunks);
}

Result<std::string> RewritePng(const RedactTask& task, Kinds& kinds) {
  return RewriteAsPng(task, PngColourChunks(task.bytes, kinds));
}

Result<std::string> RewriteTiff(const RedactTask& task, Kinds& kinds) {
  Kinds found = ExifKinds(task.bytes);
  found.erase("exif");
  kinds.merge(found);
  return RewriteAsPng(task, {});
}

Result<std::string> RewriteWebp(const RedactTask& task, Kinds& kinds) {
  WINNOW_ASSIGN_OR_RETURN(const Pixels pixels, MosaicPixels(task));
  return WriteWebp(task, pixels, kinds);
}

Result<std::string> Dispatch(const RedactTask& task, Kinds& kinds) {
  const bool untouched = task.boxes.empty();
  switch (task.frame.format) {
    case ImageFormat::kJpeg: return untouched ? StripJpeg(task, kinds) : RedactJpeg(task, kinds);
    case ImageFormat::kPng: return untouched ? StripPng(task, kinds) : RewritePng(task, kinds);
    case ImageFormat::kWebp:
      return untouched && !IsAnimatedWebp(task.bytes) ? StripWebp(task, kinds)
                                                      : RewriteWebp(task, kinds);
    case ImageFormat::kTiff: return RewriteTiff(task, kinds);
    case ImageFormat::kBmp: return RewriteAsPng(task, {});
    case ImageFormat::kUnknown: break;
  }
  return InputError("cannot redact a file of unknown format");
}

ImageFormat OutputFormat(ImageFormat input) {
  return input == ImageFormat::kTiff || input == ImageFormat::kBmp ? ImageFormat::kPng : input;
}

}  // namespace

void AddXmpKinds(std::string_view packet, Kinds& kinds) {
  kinds.insert("xmp");
  if (packet.find("GPSL") != packet.npos) kinds.insert("gps");
  if (packet.find("SerialNumber") != packet.npos) kinds.insert("serial");
  if (packet.find("xmpGImg:image") != packet.npos) kinds.insert("thumbnail");
}

Result<Pixels> MosaicPixels(const RedactTask& task) {
  const Grid grid = {1, 1, task.frame.pixels.width, task.frame.pixels.height};
  WINNOW_ASSIGN_OR_RETURN(const auto cells,
                          MosaicCells(task.boxes, grid, task.options.cells, kMinCell));
  Pixels pixels = task.frame.pixels;
  for (const Region& cell : cells) Average(cell, pixels);
  return pixels;
}

Result<Redacted> Redact(std::string_view bytes, const Frame& frame,
                        const std::vector<record::Box>& boxes, const RedactOptions& options) {
  if (frame.format != SniffFormat(bytes)) {
    return InputError("the bytes to redact are not those that were decoded");
  }
  try {
    Kinds kinds;
    WINNOW_ASSIGN_OR_RETURN(std::string out, Dispatch({bytes, frame, boxes, options}, kinds));
    return Redacted{std::move(out), {kinds.begin(), kinds.end()}, OutputFormat(frame.format)};
  } catch (const std::exception& error) {
    return InputError(fmt::format("cannot rewrite the file: {}", error.what()));
  }
}

}  // namespace winnow::image
