#include "libs/ingest/image_name.h"

#include <algorithm>
#include <array>
#include <string>

namespace winnow::ingest {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kImageExtensions = {
    "3fr"sv,  "arw"sv,  "avif"sv, "bmp"sv,  "cr2"sv,  "cr3"sv, "cur"sv,  "dds"sv,  "dib"sv,
    "dng"sv,  "exr"sv,  "gif"sv,  "hdr"sv,  "heic"sv, "heif"sv, "hif"sv, "ico"sv,  "j2c"sv,
    "j2k"sv,  "jfif"sv, "jif"sv,  "jp2"sv,  "jpe"sv,  "jpeg"sv, "jpf"sv, "jpg"sv,  "jpx"sv,
    "jxl"sv,  "jxr"sv,  "mpo"sv,  "nef"sv,  "nrw"sv,  "orf"sv, "pbm"sv,  "pcx"sv,  "pef"sv,
    "pgm"sv,  "png"sv,  "pnm"sv,  "ppm"sv,  "psd"sv,  "qoi"sv, "raf"sv,  "raw"sv,  "rw2"sv,
    "sgi"sv,  "srw"sv,  "tga"sv,  "tif"sv,  "tiff"sv, "webp"sv, "xpm"sv};

constexpr std::array kNeverImages = {"csv"sv, "htm"sv,  "html"sv, "json"sv, "jsonl"sv, "md"sv,
                                     "tsv"sv, "txt"sv,  "xml"sv,  "xmp"sv,  "yaml"sv,  "yml"sv};

struct Magic {
  std::size_t offset;
  std::string_view bytes;
};
constexpr std::array kMagics = {
    Magic{0, "\xFF\xD8\xFF"sv},          // JPEG
    Magic{0, "\x89PNG\r\n\x1A\n"sv},     // PNG
    Magic{0, "GIF87a"sv},                // GIF
    Magic{0, "GIF89a"sv},                //
    Magic{0, "II*\0"sv},                 // TIFF and raw formats built on it
    Magic{0, "MM\0*"sv},                 //
    Magic{8, "WEBP"sv},                  // WebP
    Magic{4, "ftypheic"sv},              // HEIF family
    Magic{4, "ftypheix"sv},              //
    Magic{4, "ftypmif1"sv},              //
    Magic{4, "ftypavif"sv},              // AVIF
    Magic{4, "ftypavis"sv},              //
    Magic{4, "jP  \r\n\x87\n"sv},        // JPEG 2000
    Magic{0, "\xFF\x4F\xFF\x51"sv},      // JPEG 2000 codestream
    Magic{4, "JXL \r\n\x87\n"sv},        // JPEG XL
};

// "BM" alone starts many texts: the two reserved words are zero in every real file.
bool LooksLikeBmp(std::string_view head) {
  return head.size() >= 10 && head.starts_with("BM") && head.substr(6, 4) == "\0\0\0\0"sv;
}

std::string LowerExtension(std::string_view path) {
  const std::string_view name = Basename(path);
  std::string extension(name.substr(WithoutExtension(name).size()));
  if (!extension.empty()) extension.erase(0, 1);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace

NameKind KindOfName(std::string_view name) {
  const std::string extension = LowerExtension(name);
  const auto listed = [&](const auto& list) {
    return std::find(list.begin(), list.end(), extension) != list.end();
  };
  if (listed(kImageExtensions)) return NameKind::kImage;
  return listed(kNeverImages) ? NameKind::kNever : NameKind::kUnknown;
}

bool LooksLikeImage(std::string_view head) {
  if (LooksLikeBmp(head)) return true;
  return std::any_of(kMagics.begin(), kMagics.end(), [&](const Magic& magic) {
    return head.size() >= magic.offset && head.substr(magic.offset).starts_with(magic.bytes);
  });
}

std::string_view Basename(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view Directory(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view WithoutExtension(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  return dot == std::string_view::npos || dot <= name ? path : path.substr(0, dot);
}

}  // namespace winnow::ingest
