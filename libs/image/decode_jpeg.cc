#include <fmt/format.h>

#include "libs/image/containers.h"
#include "libs/image/decode_task.h"
#include "libs/image/exif_block.h"
#include "libs/image/jpeg_session.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

// Coefficients of a progressive picture (2 bytes each, up to 4 components), padded to whole MCUs,
// plus tables and row buffers.
std::size_t MemoryFor(const DecodeLimits& limits) {
  return static_cast<std::size_t>(limits.max_pixels * 10 + (32u << 20));
}

// Huffman coding spends at least one bit on a block, so a file can be too short for the size it
// claims whatever is in it.
bool TooShortForItsSize(const jpeg_decompress_struct& codec, std::size_t bytes) {
  if (codec.arith_code) return false;
  std::uint64_t blocks = 0;
  for (int i = 0; i < codec.num_components; ++i) {
    const jpeg_component_info& component = codec.comp_info[i];
    blocks += std::uint64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks / 8 > bytes;
}

bool IsCmyk(const jpeg_decompress_struct& codec) {
  return codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
}

// Adobe writes CMYK inverted.
void CmykToBgr(const std::uint8_t* from, std::uint32_t width, int inverted, std::uint8_t* to) {
  const int flip = inverted ? 0 : 255;
  for (std::uint32_t x = 0; x < width; ++x, from += 4, to += 3) {
    const int black = from[3] ^ flip;
    for (int channel = 0; channel < 3; ++channel) {
      to[2 - channel] = static_cast<std::uint8_t>(((from[channel] ^ flip) * black + 127) / 255);
    }
  }
}

void ReadRows(jpeg_decompress_struct& codec, Pixels& pixels, std::uint8_t* cmyk_row) {
  codec.out_color_space = cmyk_row != nullptr ? JCS_CMYK : JCS_EXT_BGR;
  jpeg_start_decompress(&codec);
  while (codec.output_scanline < codec.output_height) {
    std::uint8_t* row = &pixels.bgr[std::size_t{codec.output_scanline} * pixels.width * 3];
    JSAMPROW target = cmyk_row != nullptr ? cmyk_row : row;
    jpeg_read_scanlines(&codec, &target, 1);
    if (cmyk_row != nullptr) CmykToBgr(cmyk_row, pixels.width, codec.saw_Adobe_marker, row);
  }
  jpeg_finish_decompress(&codec);
}

Decoded FaultOf(const JpegGuard& guard) { return Fault(ReasonOf(guard.stop), guard.message); }

}  // namespace

Decoded DecodeJpeg(const DecodeTask& task) {
  JpegReader reader(task.bytes, &task.deadline, MemoryFor(task.limits));
  if (reader.guard().stop != JpegStop::kNone) return FaultOf(reader.guard());
  jpeg_decompress_struct& codec = reader.codec();
  Decoded fault = CheckSize(task, codec.image_width, codec.image_height);
  if (fault.fault != Reason::kNone) return fault;
  if (TooShortForItsSize(codec, task.bytes.size())) {
    return Fault(Reason::kTruncated, fmt::format("{} bytes cannot hold {}x{} pixels",
                                                 task.bytes.size(), codec.image_width,
                                                 codec.image_height));
  }
  auto frame = NewFrame(ImageFormat::kJpeg, codec.image_width, codec.image_height);
  frame->orientation = ExifOrientation(JpegExif(task.bytes));
  std::vector<std::uint8_t> cmyk_row(IsCmyk(codec) ? std::size_t{codec.image_width} * 4 : 0);
  Pixels& pixels = frame->pixels;
  std::uint8_t* scratch = cmyk_row.empty() ? nullptr : cmyk_row.data();
  if (!Guarded(reader.guard(), [&] { ReadRows(codec, pixels, scratch); })) {
    return FaultOf(reader.guard());
  }
  return {std::move(frame), Reason::kNone, {}};
}

}  // namespace winnow::image
