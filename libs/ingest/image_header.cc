#include "libs/ingest/image_header.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "libs/ingest/time_text.h"

namespace winnow::ingest {
namespace {

using std::string_view_literals::operator""sv;

// Numbers at an offset; 0 beyond the end.
class ByteReader {
 public:
  enum class Order { kBig, kLittle };
  ByteReader(std::string_view bytes, Order order) : bytes_(bytes), order_(order) {}

  std::uint32_t Take(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = order_ == Order::kBig ? at + i : at + count - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[index]);
    }
    return value;
  }
  std::uint32_t U16(std::size_t at) const { return Take(at, 2); }
  std::uint32_t U32(std::size_t at) const { return Take(at, 4); }
  std::string_view Text(std::size_t at, std::size_t count) const {
    return at > bytes_.size() ? std::string_view() : bytes_.substr(at, count);
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  Order order_;
};

// ---- TIFF structure: TIFF files and EXIF blocks ----------------------------------------------

constexpr std::uint32_t kWidthTag = 0x0100;
constexpr std::uint32_t kHeightTag = 0x0101;
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kExifIfdTag = 0x8769;
constexpr std::uint32_t kDateTimeOriginalTag = 0x9003;
constexpr std::uint32_t kOffsetTimeOriginalTag = 0x9011;

class Ifd {
 public:
  Ifd(const ByteReader& tiff, std::size_t at) : tiff_(tiff), at_(at), count_(tiff.U16(at)) {}

  std::uint32_t Number(std::uint32_t tag) const {
    const std::size_t entry = Find(tag);
    constexpr std::uint32_t kShort = 3;
    if (entry == 0) return 0;
    return tiff_.U16(entry + 2) == kShort ? tiff_.U16(entry + 8) : tiff_.U32(entry + 8);
  }
  // Without the NUL at its end.
  std::string_view Text(std::uint32_t tag) const {
    const std::size_t entry = Find(tag);
    const std::uint32_t length = entry == 0 ? 0 : tiff_.U32(entry + 4);
    const std::string_view text =
        tiff_.Text(length <= 4 ? entry + 8 : tiff_.U32(entry + 8), length);
    return text.substr(0, text.find('\0'));
  }

 private:
  std::size_t Find(std::uint32_t tag) const {
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t entry = at_ + 2 + i * 12;
      if (entry + 12 > tiff_.size()) return 0;
      if (tiff_.U16(entry) == tag) return entry;
    }
    return 0;
  }

  const ByteReader& tiff_;
  std::size_t at_;
  std::size_t count_;
};

bool IsTiff(std::string_view bytes) {
  return bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv);
}

ByteReader TiffReader(std::string_view bytes) {
  return {bytes, bytes.starts_with('I') ? ByteReader::Order::kLittle : ByteReader::Order::kBig};
}

void ReadExif(std::string_view bytes, ImageHeader& header) {
  if (!IsTiff(bytes)) return;
  const ByteReader tiff = TiffReader(bytes);
  const Ifd first(tiff, tiff.U32(4));
  const std::uint32_t orientation = first.Number(kOrientationTag);
  if (orientation >= 1 && orientation <= 8) header.orientation = static_cast<int>(orientation);
  const std::uint32_t exif_at = first.Number(kExifIfdTag);
  if (exif_at == 0) return;
  const Ifd exif(tiff, exif_at);
  header.captured_at =
      ParseExifTime(exif.Text(kDateTimeOriginalTag), exif.Text(kOffsetTimeOriginalTag));
}

void ReadTiff(std::string_view bytes, ImageHeader& header) {
  const ByteReader tiff = TiffReader(bytes);
  const Ifd first(tiff, tiff.U32(4));
  header.width = first.Number(kWidthTag);
  header.height = first.Number(kHeightTag);
  ReadExif(bytes, header);
}

// ---- the other containers --------------------------------------------------------------------

// SOF0..SOF15 without DHT, JPG and DAC.
bool IsStartOfFrame(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool StandsAlone(std::uint32_t marker) {
  return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

void ReadJpeg(std::string_view bytes, ImageHeader& header) {
  const ByteReader jpeg(bytes, ByteReader::Order::kBig);
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    const std::uint32_t marker = jpeg.Take(at + 1, 1);
    if (jpeg.Take(at, 1) != 0xFF || marker == 0xFF) {
      ++at;  // fill bytes, or rubbish that decoders skip too
      continue;
    }
    if (marker == 0xD9 || marker == 0xDA) return;
    if (marker == 0 || StandsAlone(marker)) {
      at += 2;
      continue;
    }
    const std::uint32_t length = jpeg.U16(at + 2);
    if (IsStartOfFrame(marker)) {
      header.height = jpeg.U16(at + 5);
      header.width = jpeg.U16(at + 7);
      return;
    }
    const std::string_view body = jpeg.Text(at + 4, std::max(length, 2u) - 2);
    if (marker == 0xE1 && body.starts_with("Exif\0\0"sv)) ReadExif(body.substr(6), header);
    at += 2 + std::max(length, 2u);
  }
}

void ReadPng(std::string_view bytes, ImageHeader& header) {
  const ByteReader png(bytes, ByteReader::Order::kBig);
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = png.U32(at);
    const std::string_view type = png.Text(at + 4, 4);
    if (type == "IHDR") {
      header.width = png.U32(at + 8);
      header.height = png.U32(at + 12);
    }
    if (type == "eXIf") ReadExif(png.Text(at + 8, length), header);
    at += 12 + length;
  }
}

void ReadWebpSize(const ByteReader& webp, std::string_view type, std::size_t body,
                  ImageHeader& header) {
  if (type == "VP8X") {
    header.width = webp.Take(body + 4, 3) + 1;
    header.height = webp.Take(body + 7, 3) + 1;
  } else if (type == "VP8 " && !header.has_size()) {
    header.width = webp.U16(body + 6) & 0x3FFF;
    header.height = webp.U16(body + 8) & 0x3FFF;
  } else if (type == "VP8L" && !header.has_size()) {
    const std::uint32_t packed = webp.U32(body + 1);
    header.width = (packed & 0x3FFF) + 1;
    header.height = (packed >> 14 & 0x3FFF) + 1;
  }
}

void ReadWebp(std::string_view bytes, ImageHeader& header) {
  const ByteReader webp(bytes, ByteReader::Order::kLittle);
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::string_view type = webp.Text(at, 4);
    const std::size_t length = webp.U32(at + 4);
    ReadWebpSize(webp, type, at + 8, header);
    if (type == "EXIF") {
      std::string_view exif = webp.Text(at + 8, length);
      if (exif.starts_with("Exif\0\0"sv)) exif.remove_prefix(6);
      ReadExif(exif, header);
    }
    at += 8 + length + length % 2;
  }
}

void ReadBmp(std::string_view bytes, ImageHeader& header) {
  const ByteReader bmp(bytes, ByteReader::Order::kLittle);
  constexpr std::uint32_t kOldHeader = 12;
  if (bmp.U32(14) == kOldHeader) {
    header.width = bmp.U16(18);
    header.height = bmp.U16(20);
    return;
  }
  header.width = bmp.U32(18);
  // Negative: stored from the top down.
  const auto height = static_cast<std::int32_t>(bmp.U32(22));
  header.height = static_cast<std::uint32_t>(std::abs(std::int64_t{height}));
}

}  // namespace

ImageHeader ReadImageHeader(std::string_view bytes) {
  ImageHeader header;
  if (bytes.starts_with("\xFF\xD8"sv)) {
    ReadJpeg(bytes, header);
  } else if (bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) {
    ReadPng(bytes, header);
  } else if (bytes.starts_with("RIFF"sv) && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") {
    ReadWebp(bytes, header);
  } else if (IsTiff(bytes)) {
    ReadTiff(bytes, header);
  } else if (bytes.starts_with("BM"sv)) {
    ReadBmp(bytes, header);
  }
  return header;
}

}  // namespace winnow::ingest
