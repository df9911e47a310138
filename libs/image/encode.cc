#include "libs/image/encode.h"

#include <webp/encode.h>

#include <memory>

#include "libs/image/jpeg_writer.h"
#include "libs/image/redact_task.h"

namespace winnow::image {
namespace {

Error Empty() { return InputError("an empty picture cannot be coded"); }

void Write(jpeg_compress_struct& codec, const Pixels& pixels, int quality) {
  codec.image_width = pixels.width;
  codec.image_height = pixels.height;
  codec.input_components = 3;
  codec.in_color_space = JCS_EXT_BGR;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, quality, TRUE);
  codec.optimize_coding = TRUE;
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < codec.image_height) {
    // libjpeg takes rows it only reads as non-const.
    JSAMPROW row = const_cast<JSAMPROW>(
        &pixels.bgr[std::size_t{codec.next_scanline} * pixels.width * 3]);
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
}

}  // namespace

Result<std::string> EncodeJpeg(const Pixels& pixels, int quality) {
  if (pixels.bgr.empty()) return Empty();
  std::string out;
  JpegWriter writer(out);
  const bool written = writer.ok() && Guarded(writer.guard(), [&] {
    Write(writer.codec(), pixels, quality);
  });
  if (!written) {
    return InputError(std::string("cannot write the JPEG file: ") + writer.guard().message);
  }
  return out;
}

Result<std::string> EncodePng(const Pixels& pixels) {
  if (pixels.bgr.empty()) return Empty();
  return WritePng(pixels, 1, {});
}

Result<std::string> EncodeWebp(const Pixels& pixels, int quality) {
  if (pixels.bgr.empty()) return Empty();
  const int width = static_cast<int>(pixels.width);
  std::uint8_t* coded = nullptr;
  const std::size_t size =
      WebPEncodeBGR(pixels.bgr.data(), width, static_cast<int>(pixels.height), width * 3,
                    static_cast<float>(quality), &coded);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(coded, WebPFree);
  if (size == 0) return InputError("cannot write the WebP file");
  return std::string(reinterpret_cast<const char*>(coded), size);
}

}  // namespace winnow::image
