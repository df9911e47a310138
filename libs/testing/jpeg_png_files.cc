#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <jpeglib.h>
#include <png.h>

#include "libs/base/check.h"
#include "libs/testing/images.h"

namespace winnow::testing {
namespace {

std::string Secret(const char* what) { return std::string(kSecret) + "-" + what; }

bool WantsExif(const MakeImageOptions& options) {
  return options.orientation != 1 || options.private_metadata;
}

// ---- JPEG ----------------------------------------------------------------------------------

void WriteMarker(jpeg_compress_struct& codec, int marker, const std::string& body) {
  jpeg_write_marker(&codec, marker, reinterpret_cast<const JOCTET*>(body.data()),
                    static_cast<unsigned>(body.size()));
}

void WriteJpegMetadata(jpeg_compress_struct& codec, const MakeImageOptions& options) {
  if (WantsExif(options)) {
    WriteMarker(codec, JPEG_APP0 + 1, std::string("Exif\0\0", 6) + MakeExif(options));
  }
  if (options.colour_profile) {
    WriteMarker(codec, JPEG_APP0 + 2,
                std::string("ICC_PROFILE\0\x01\x01", 14) + std::string(kProfile));
  }
  if (!options.private_metadata) return;
  WriteMarker(codec, JPEG_APP0 + 1,
              std::string("http://ns.adobe.com/xap/1.0/\0", 29) + Secret("xmp"));
  WriteMarker(codec, JPEG_APP0 + 13, std::string("Photoshop 3.0\0", 14) + Secret("iptc"));
  WriteMarker(codec, JPEG_APP0 + 2, std::string("MPF\0", 4) + Secret("mpf"));
  WriteMarker(codec, JPEG_COM, Secret("comment"));
}

struct ColorPlan {
  J_COLOR_SPACE in;
  J_COLOR_SPACE stored;
  int components;
};

ColorPlan PlanOf(Chroma chroma) {
  if (chroma == Chroma::kGrey) return {JCS_GRAYSCALE, JCS_GRAYSCALE, 1};
  if (chroma == Chroma::kCmyk) return {JCS_CMYK, JCS_YCCK, 4};
  return {JCS_EXT_BGR, JCS_YCbCr, 3};
}

void Configure(jpeg_compress_struct& codec, const MakeImageOptions& options) {
  const ColorPlan plan = PlanOf(options.chroma);
  codec.image_width = options.width;
  codec.image_height = options.height;
  codec.input_components = plan.components;
  codec.in_color_space = plan.in;
  jpeg_set_defaults(&codec);
  jpeg_set_colorspace(&codec, plan.stored);
  jpeg_set_quality(&codec, options.quality, TRUE);
  const bool halves_width = options.chroma == Chroma::k422 || options.chroma == Chroma::k420;
  codec.comp_info[0].h_samp_factor = halves_width ? 2 : 1;
  codec.comp_info[0].v_samp_factor = options.chroma == Chroma::k420 ? 2 : 1;
  codec.arith_code = options.arithmetic ? TRUE : FALSE;
  codec.optimize_coding = options.optimized ? TRUE : FALSE;
  codec.restart_interval = options.restart_interval;
  if (options.progressive) jpeg_simple_progression(&codec);
}

void ConvertRow(const std::uint8_t* bgr, std::uint32_t width, Chroma chroma, std::uint8_t* to) {
  for (std::uint32_t x = 0; x < width; ++x, bgr += 3) {
    if (chroma == Chroma::kGrey) {
      *to++ = bgr[1];
    } else {  // Adobe's inverted CMYK without black
      *to++ = bgr[2];
      *to++ = bgr[1];
      *to++ = bgr[0];
      *to++ = 255;
    }
  }
}

void WriteJpegRows(jpeg_compress_struct& codec, const image::Pixels& pixels, Chroma chroma) {
  std::vector<std::uint8_t> row(std::size_t{pixels.width} * 4);
  const bool converts = chroma == Chroma::kGrey || chroma == Chroma::kCmyk;
  for (std::size_t y = 0; y < pixels.height; ++y) {
    const std::uint8_t* from = &pixels.bgr[y * pixels.width * 3];
    if (converts) {
      ConvertRow(from, pixels.width, chroma, row.data());
    } else {
      std::memcpy(row.data(), from, std::size_t{pixels.width} * 3);
    }
    JSAMPROW target = row.data();
    jpeg_write_scanlines(&codec, &target, 1);
  }
}

// ---- PNG -----------------------------------------------------------------------------------

void AppendTo(png_structp png, png_bytep bytes, std::size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), size);
}

void WritePngMetadata(png_structp png, png_infop info, const MakeImageOptions& options) {
  if (WantsExif(options)) {
    std::string exif = MakeExif(options);
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                   reinterpret_cast<png_bytep>(exif.data()));
  }
  png_set_gAMA_fixed(png, info, 45455);
  if (!options.private_metadata) return;
  std::string value = Secret("text");
  char key[] = "Comment";
  png_text texts[2] = {};
  texts[0].compression = PNG_TEXT_COMPRESSION_NONE;
  texts[0].key = key;
  texts[0].text = value.data();
  texts[0].text_length = value.size();
  texts[1] = texts[0];
  texts[1].compression = PNG_ITXT_COMPRESSION_NONE;
  char xmp_key[] = "XML:com.adobe.xmp";
  texts[1].key = xmp_key;
  png_set_text(png, info, texts, 2);
}

// BGR to BGRA rows with the right half half transparent.
std::vector<std::uint8_t> WithAlpha(const image::Pixels& pixels) {
  std::vector<std::uint8_t> out(std::size_t{pixels.width} * pixels.height * 4);
  for (std::size_t i = 0; i < out.size() / 4; ++i) {
    std::memcpy(&out[i * 4], &pixels.bgr[i * 3], 3);
    out[i * 4 + 3] = i % pixels.width >= pixels.width / 2 ? 128 : 255;
  }
  return out;
}

}  // namespace

std::string MakeJpeg(const MakeImageOptions& options) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &buffer, &size);
  Configure(codec, options);
  jpeg_start_compress(&codec, TRUE);
  WriteJpegMetadata(codec, options);
  WriteJpegRows(codec, MakePixels(options), options.chroma);
  jpeg_finish_compress(&codec);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&codec);
  std::free(buffer);
  if (options.private_metadata) out += Secret("trailing");
  return out;
}

std::string MakePng(const MakeImageOptions& options) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::string out;
  png_set_write_fn(png, &out, AppendTo, nullptr);
  png_set_IHDR(png, info, options.width, options.height, 8,
               options.alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
               options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  WritePngMetadata(png, info, options);
  png_write_info(png, info);
  if (options.colour_profile) {
    const std::string body = std::string("name\0\0", 6) + std::string(kProfile);
    png_write_chunk(png, reinterpret_cast<png_const_bytep>("iCCP"),
                    reinterpret_cast<png_const_bytep>(body.data()), body.size());
  }
  png_set_bgr(png);
  image::Pixels pixels = MakePixels(options);
  std::vector<std::uint8_t> samples = options.alpha ? WithAlpha(pixels) : std::move(pixels.bgr);
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < options.height; ++y) {
    rows.push_back(&samples[y * options.width * (options.alpha ? 4 : 3)]);
  }
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace winnow::testing
