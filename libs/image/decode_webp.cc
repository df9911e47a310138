#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "libs/image/containers.h"
#include "libs/image/decode_task.h"
#include "libs/image/exif_block.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

struct DemuxDeleter {
  void operator()(WebPDemuxer* demux) const { WebPDemuxDelete(demux); }
};
struct DecoderDeleter {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

// Coded bytes between two looks at the clock.
constexpr std::size_t kStep = 64 << 10;

Decoded FaultOf(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return Fault(Reason::kTruncated, "the file ends before its picture");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return Fault(Reason::kUnsupportedFormat, "unsupported WebP feature");
    case VP8_STATUS_OUT_OF_MEMORY:
      return Fault(Reason::kTooManyPixels, "not enough memory for the picture");
    default:
      return Fault(Reason::kCorrupt, fmt::format("WebP status {}", static_cast<int>(status)));
  }
}

// Decodes one coded frame to BGRA.
Decoded DecodeFragment(const DecodeTask& task, std::string_view coded, std::uint8_t* bgra,
                       std::size_t stride, std::size_t size) {
  const std::unique_ptr<WebPIDecoder, DecoderDeleter> decoder(
      WebPINewRGB(MODE_BGRA, bgra, size, static_cast<int>(stride)));
  if (decoder == nullptr) return FaultOf(VP8_STATUS_OUT_OF_MEMORY);
  const auto* data = reinterpret_cast<const std::uint8_t*>(coded.data());
  VP8StatusCode status = VP8_STATUS_SUSPENDED;
  for (std::size_t end = 0; status == VP8_STATUS_SUSPENDED && end < coded.size();) {
    if (task.deadline.Passed()) return Fault(Reason::kDecodeTimeout, "out of CPU time");
    end = std::min(coded.size(), end + kStep);
    status = WebPIUpdate(decoder.get(), data, end);
  }
  return status == VP8_STATUS_OK ? Decoded{} : FaultOf(status);
}

std::uint64_t LittleEndian32(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

// The file says how long it is.
bool IsCutOff(std::string_view bytes) { return LittleEndian32(bytes, 4) + 8 > bytes.size(); }

// Chunks of odd length are padded. libwebp would read a damaged picture on into the padding.
std::string_view WithoutPadding(std::string_view chunks) {
  std::uint64_t end = 0;
  for (std::uint64_t at = 0; at + 8 <= chunks.size(); at = end + end % 2) {
    end = at + 8 + LittleEndian32(chunks, static_cast<std::size_t>(at) + 4);
  }
  return chunks.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(end, chunks.size())));
}

// WebP has no checksum, and both of its coders read zeros as valid codes; but neither writes long
// runs of them, while half-written files are full of them. Of 20 real files none ends in more than
// 19.
bool HasZeroedTail(std::string_view coded) {
  constexpr std::size_t kSuspicious = 256;
  return coded.size() >= kSuspicious &&
         coded.substr(coded.size() - kSuspicious).find_first_not_of('\0') == coded.npos;
}

void PutOnCanvas(const std::vector<std::uint8_t>& bgra, const WebPIterator& part, Pixels& canvas) {
  const auto width = static_cast<std::uint32_t>(part.width);
  for (int y = 0; y < part.height; ++y) {
    const std::size_t row = static_cast<std::size_t>(part.y_offset + y);
    OverWhite(&bgra[static_cast<std::size_t>(y) * width * 4], width,
              &canvas.bgr[(row * canvas.width + static_cast<std::size_t>(part.x_offset)) * 3]);
  }
}

Decoded DecodeFirstFrame(const DecodeTask& task, WebPDemuxer* demux) {
  const std::uint32_t width = WebPDemuxGetI(demux, WEBP_FF_CANVAS_WIDTH);
  const std::uint32_t height = WebPDemuxGetI(demux, WEBP_FF_CANVAS_HEIGHT);
  Decoded fault = CheckSize(task, width, height);
  if (fault.fault != Reason::kNone) return fault;
  WebPIterator part{};
  if (!WebPDemuxGetFrame(demux, 1, &part)) return Fault(Reason::kCorrupt, "no frame");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(
      &part, &WebPDemuxReleaseIterator);
  const std::size_t stride = static_cast<std::size_t>(part.width) * 4;
  std::vector<std::uint8_t> bgra(stride * static_cast<std::size_t>(part.height));
  const std::string_view coded = WithoutPadding(
      {reinterpret_cast<const char*>(part.fragment.bytes), part.fragment.size});
  if (HasZeroedTail(coded)) return Fault(Reason::kCorrupt, "the coded picture ends in zeros");
  fault = DecodeFragment(task, coded, bgra.data(), stride, bgra.size());
  if (fault.fault != Reason::kNone) return fault;
  auto frame = NewFrame(ImageFormat::kWebp, width, height);
  std::fill(frame->pixels.bgr.begin(), frame->pixels.bgr.end(), std::uint8_t{255});
  PutOnCanvas(bgra, part, frame->pixels);
  frame->orientation = ExifOrientation(WebpExif(task.bytes));
  return {std::move(frame), Reason::kNone, {}};
}

}  // namespace

Decoded DecodeWebp(const DecodeTask& task) {
  if (IsCutOff(task.bytes)) return FaultOf(VP8_STATUS_NOT_ENOUGH_DATA);
  const WebPData data = {reinterpret_cast<const std::uint8_t*>(task.bytes.data()),
                         task.bytes.size()};
  const std::unique_ptr<WebPDemuxer, DemuxDeleter> demux(WebPDemux(&data));
  if (demux == nullptr) return Fault(Reason::kCorrupt, "not a valid WebP container");
  return DecodeFirstFrame(task, demux.get());
}

}  // namespace winnow::image
