#include <tiffio.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <cstring>

#include "libs/base/check.h"
#include "libs/testing/images.h"

namespace winnow::testing {
namespace {

std::string Secret(const char* what) { return std::string(kSecret) + "-" + what; }

std::string TakeWebp(std::uint8_t* bytes, std::size_t size) {
  std::string out(reinterpret_cast<char*>(bytes), size);
  WebPFree(bytes);
  return out;
}

// Right half half transparent.
std::vector<std::uint8_t> WithAlpha(const image::Pixels& pixels) {
  std::vector<std::uint8_t> out(std::size_t{pixels.width} * pixels.height * 4);
  for (std::size_t i = 0; i < out.size() / 4; ++i) {
    std::memcpy(&out[i * 4], &pixels.bgr[i * 3], 3);
    out[i * 4 + 3] = i % pixels.width >= pixels.width / 2 ? 128 : 255;
  }
  return out;
}

std::string EncodeWebp(const MakeImageOptions& options) {
  const image::Pixels pixels = MakePixels(options);
  const auto width = static_cast<int>(options.width);
  const auto height = static_cast<int>(options.height);
  std::uint8_t* out = nullptr;
  if (options.alpha) {
    const std::vector<std::uint8_t> bgra = WithAlpha(pixels);
    const std::size_t size = WebPEncodeLosslessBGRA(bgra.data(), width, height, width * 4, &out);
    return TakeWebp(out, size);
  }
  if (!options.lossless) {
    const std::size_t size = WebPEncodeBGR(pixels.bgr.data(), width, height, width * 3,
                                           static_cast<float>(options.quality), &out);
    return TakeWebp(out, size);
  }
  const std::size_t size =
      WebPEncodeLosslessBGR(pixels.bgr.data(), width, height, width * 3, &out);
  return TakeWebp(out, size);
}

void SetChunk(WebPMux* mux, const char* type, const std::string& body) {
  const WebPData data = {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
  WINNOW_CHECK(WebPMuxSetChunk(mux, type, &data, /*copy_data=*/1) == WEBP_MUX_OK);
}

// ---- TIFF into a string --------------------------------------------------------------------

struct MemoryFile {
  std::string bytes;
  std::uint64_t at = 0;
};

MemoryFile& FileOf(thandle_t handle) { return *static_cast<MemoryFile*>(handle); }

tmsize_t OnRead(thandle_t handle, void* to, tmsize_t size) {
  MemoryFile& file = FileOf(handle);
  const auto count = std::min<std::uint64_t>(static_cast<std::uint64_t>(size),
                                             file.bytes.size() - std::min<std::uint64_t>(
                                                 file.at, file.bytes.size()));
  if (count > 0) std::memcpy(to, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t OnWrite(thandle_t handle, void* from, tmsize_t size) {
  MemoryFile& file = FileOf(handle);
  const std::uint64_t end = file.at + static_cast<std::uint64_t>(size);
  if (file.bytes.size() < end) file.bytes.resize(end);
  std::memcpy(file.bytes.data() + file.at, from, static_cast<std::size_t>(size));
  file.at = end;
  return size;
}

toff_t OnSeek(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = FileOf(handle);
  if (whence == SEEK_CUR) offset += file.at;
  if (whence == SEEK_END) offset += file.bytes.size();
  return file.at = offset;
}

int OnClose(thandle_t) { return 0; }
toff_t OnSize(thandle_t handle) { return FileOf(handle).bytes.size(); }

void SetTiffTags(TIFF* tiff, const MakeImageOptions& options) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, options.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, options.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 16);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, options.orientation);
  if (!options.private_metadata) return;
  TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, Secret("description").c_str());
  const std::string xmp = Secret("xmp");
  TIFFSetField(tiff, TIFFTAG_XMLPACKET, static_cast<std::uint32_t>(xmp.size()), xmp.data());
}

void Append(std::string& out, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

}  // namespace

std::string MakeWebp(const MakeImageOptions& options) {
  const std::string bare = EncodeWebp(options);
  const WebPData image = {reinterpret_cast<const std::uint8_t*>(bare.data()), bare.size()};
  WebPMux* mux = WebPMuxCreate(&image, /*copy_data=*/1);
  if (options.orientation != 1 || options.private_metadata) {
    SetChunk(mux, "EXIF", MakeExif(options));
  }
  if (options.private_metadata) SetChunk(mux, "XMP ", Secret("xmp"));
  if (options.colour_profile) SetChunk(mux, "ICCP", std::string(kProfile));
  WebPData assembled{};
  WINNOW_CHECK(WebPMuxAssemble(mux, &assembled) == WEBP_MUX_OK);
  std::string out(reinterpret_cast<const char*>(assembled.bytes), assembled.size);
  WebPDataClear(&assembled);
  WebPMuxDelete(mux);
  return out;
}

std::string MakeTiff(const MakeImageOptions& options) {
  MemoryFile file;
  TIFF* tiff = TIFFClientOpen("test", "w", &file, OnRead, OnWrite, OnSeek, OnClose, OnSize, nullptr,
                              nullptr);
  WINNOW_CHECK(tiff != nullptr);
  SetTiffTags(tiff, options);
  image::Pixels pixels = MakePixels(options);
  for (std::size_t i = 0; i < pixels.bgr.size(); i += 3) {
    std::swap(pixels.bgr[i], pixels.bgr[i + 2]);
  }
  for (std::uint32_t y = 0; y < options.height; ++y) {
    WINNOW_CHECK(TIFFWriteScanline(tiff, &pixels.bgr[std::size_t{y} * options.width * 3], y) == 1);
  }
  TIFFClose(tiff);
  return file.bytes;
}

std::string MakeBmp(const MakeImageOptions& options) {
  constexpr std::uint32_t kHeader = 54;
  const std::uint32_t row = (options.width * 3 + 3) / 4 * 4;
  std::string out = "BM";
  Append(out, kHeader + row * options.height, 4);
  Append(out, 0, 4);
  Append(out, kHeader, 4);
  Append(out, 40, 4);
  Append(out, options.width, 4);
  Append(out, options.height, 4);
  Append(out, 1, 2);
  Append(out, 24, 2);
  out.resize(kHeader, '\0');
  const image::Pixels pixels = MakePixels(options);
  for (std::size_t y = options.height; y-- > 0;) {
    out.append(reinterpret_cast<const char*>(&pixels.bgr[y * options.width * 3]),
               std::size_t{options.width} * 3);
    out.append(row - options.width * 3, '\0');
  }
  return out;
}

}  // namespace winnow::testing
