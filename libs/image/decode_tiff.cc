#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "libs/image/decode_task.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

// The file in memory, as libtiff sees it.
struct TiffInput {
  std::string_view bytes;
  std::uint64_t at = 0;
  bool read_past_end = false;
  char message[200] = "not a readable TIFF";
};

TiffInput& InputOf(thandle_t handle) { return *static_cast<TiffInput*>(handle); }

tmsize_t OnRead(thandle_t handle, void* to, tmsize_t size) {
  TiffInput& input = InputOf(handle);
  const std::uint64_t left = input.at < input.bytes.size() ? input.bytes.size() - input.at : 0;
  const auto count = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(size));
  if (count < static_cast<std::uint64_t>(size)) input.read_past_end = true;
  if (count > 0) std::memcpy(to, input.bytes.data() + input.at, count);
  input.at += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t OnWrite(thandle_t, void*, tmsize_t) { return 0; }

toff_t OnSeek(thandle_t handle, toff_t offset, int whence) {
  TiffInput& input = InputOf(handle);
  if (whence == SEEK_CUR) offset += input.at;
  if (whence == SEEK_END) offset += input.bytes.size();
  input.at = offset;
  return offset;
}

int OnClose(thandle_t) { return 0; }
toff_t OnSize(thandle_t handle) { return InputOf(handle).bytes.size(); }

int OnError(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& input = *static_cast<TiffInput*>(user);
  std::vsnprintf(input.message, sizeof input.message, format, arguments);
  return 1;
}

int OnWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, TiffCloser>;

TiffHandle Open(TiffInput& input, const DecodeLimits& limits) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), OnError, &input);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), OnWarning, nullptr);
  // A strip of 16-bit RGBA is the largest thing a picture within the limits can need.
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(),
                                      static_cast<tmsize_t>(limits.max_pixels * 8 + (1 << 20)));
  return TiffHandle(TIFFClientOpenExt("image", "rm", &input, OnRead, OnWrite, OnSeek, OnClose,
                                      OnSize, nullptr, nullptr, options.get()));
}

Decoded FaultOf(const TiffInput& input) {
  return Fault(input.read_past_end ? Reason::kTruncated : Reason::kCorrupt, input.message);
}

// libtiff packs RGBA with associated alpha into 32-bit words.
void RowToBgr(const std::uint32_t* from, std::uint32_t width, std::uint8_t* to) {
  for (std::uint32_t x = 0; x < width; ++x, to += 3) {
    const std::uint32_t pixel = from[x];
    const unsigned white = 255 - TIFFGetA(pixel);
    to[0] = static_cast<std::uint8_t>(std::min(255u, TIFFGetB(pixel) + white));
    to[1] = static_cast<std::uint8_t>(std::min(255u, TIFFGetG(pixel) + white));
    to[2] = static_cast<std::uint8_t>(std::min(255u, TIFFGetR(pixel) + white));
  }
}

std::uint32_t RowsPerRead(TIFF* tiff, std::uint32_t height) {
  std::uint32_t rows = 0;
  if (TIFFIsTiled(tiff)) {
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &rows);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  }
  return rows == 0 ? height : std::min(rows, height);
}

Decoded ReadStrips(const DecodeTask& task, TIFF* tiff, const TiffInput& input,
                   TIFFRGBAImage& image, Pixels& pixels) {
  const std::uint32_t step = RowsPerRead(tiff, pixels.height);
  std::vector<std::uint32_t> raster(std::size_t{step} * pixels.width);
  for (std::uint32_t top = 0; top < pixels.height; top += step) {
    if (task.deadline.Passed()) return Fault(Reason::kDecodeTimeout, "out of CPU time");
    const std::uint32_t rows = std::min(step, pixels.height - top);
    image.row_offset = static_cast<int>(top);
    image.col_offset = 0;
    if (!TIFFRGBAImageGet(&image, raster.data(), pixels.width, rows)) return FaultOf(input);
    for (std::uint32_t y = 0; y < rows; ++y) {
      RowToBgr(&raster[std::size_t{y} * pixels.width], pixels.width,
               &pixels.bgr[(std::size_t{top} + y) * pixels.width * 3]);
    }
  }
  return {};
}

// Camera raw files are TIFFs whose first page is a preview.
bool IsPreview(TIFF* tiff) {
  std::uint32_t kind = 0;
  return TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind) && (kind & FILETYPE_REDUCEDIMAGE) != 0;
}

int OrientationOf(TIFF* tiff) {
  std::uint16_t orientation = 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

}  // namespace

Decoded DecodeTiff(const DecodeTask& task) {
  TiffInput input{task.bytes};
  const TiffHandle tiff = Open(input, task.limits);
  if (tiff == nullptr) return FaultOf(input);
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  Decoded fault = CheckSize(task, width, height);
  if (fault.fault != Reason::kNone) return fault;
  if (IsPreview(tiff.get())) {
    return Fault(Reason::kUnsupportedFormat, "camera raw file: its first page is a preview");
  }
  char reason[1024] = "";
  if (!TIFFRGBAImageOK(tiff.get(), reason)) return Fault(Reason::kUnsupportedFormat, reason);
  TIFFRGBAImage image{};
  if (!TIFFRGBAImageBegin(&image, tiff.get(), /*stop=*/1, reason)) {
    return Fault(input.read_past_end ? Reason::kTruncated : Reason::kCorrupt, reason);
  }
  const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> end(&image, &TIFFRGBAImageEnd);
  // Rows as stored: libtiff must not apply the orientation.
  image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
  auto frame = NewFrame(ImageFormat::kTiff, width, height);
  frame->orientation = OrientationOf(tiff.get());
  fault = ReadStrips(task, tiff.get(), input, image, frame->pixels);
  if (fault.fault != Reason::kNone) return fault;
  return {std::move(frame), Reason::kNone, {}};
}

}  // namespace winnow::image
