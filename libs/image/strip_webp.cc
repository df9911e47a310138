#include <webp/encode.h>

#include <array>
#include <memory>

#include "libs/image/containers.h"
#include "libs/image/redact_task.h"

namespace winnow::image {
namespace {

constexpr unsigned kProfileFlag = 0x20;
constexpr unsigned kAlphaFlag = 0x10;
constexpr unsigned kExifFlag = 0x08;

void Append(std::string& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

void AppendChunk(std::string& out, std::string_view type, std::string_view body) {
  out.append(type);
  Append(out, body.size(), 4);
  out.append(body);
  if (body.size() % 2 != 0) out += '\0';
}

bool IsCoded(std::string_view type) { return type == "VP8 " || type == "VP8L"; }

void AddKinds(const RiffChunk& chunk, Kinds& kinds) {
  if (chunk.type == "EXIF") {
    const bool prefixed = chunk.body.substr(0, 6) == kJpegExifPrefix;
    kinds.merge(ExifKinds(chunk.body.substr(prefixed ? 6 : 0)));
  } else if (chunk.type == "XMP ") {
    AddXmpKinds(chunk.body, kinds);
  } else if (chunk.type == "ANIM" || chunk.type == "ANMF") {
    kinds.insert("frames");
  } else {
    kinds.insert("other");
  }
}

struct WebpParts {
  std::string transparency;  // chunk, may be empty
  std::string picture;       // chunk
  std::string profile;       // chunk, may be empty
  bool alpha = false;
};

// libwebp ignores a transparency chunk that the header does not announce.
bool AnnouncesAlpha(const RiffChunk& header) {
  return !header.body.empty() && (static_cast<std::uint8_t>(header.body[0]) & kAlphaFlag) != 0;
}

// The first chunk of a kind counts, as it does for decoders; others could hold anything.
void Take(const RiffChunk& chunk, WebpParts& parts, Kinds& kinds) {
  if (chunk.type == "VP8X") {
    parts.alpha = parts.alpha || AnnouncesAlpha(chunk);
  } else if (IsCoded(chunk.type) && parts.picture.empty()) {
    AppendChunk(parts.picture, chunk.type, chunk.body);
  } else if (chunk.type == "ALPH" && parts.alpha && parts.picture.empty() &&
             parts.transparency.empty()) {
    AppendChunk(parts.transparency, chunk.type, chunk.body);
  } else if (chunk.type == "ICCP" && parts.profile.empty()) {
    AppendChunk(parts.profile, chunk.type, chunk.body);
  } else {
    AddKinds(chunk, kinds);
  }
}

WebpParts PartsOf(std::string_view bytes, Kinds& kinds) {
  WebpParts parts;
  std::size_t end = 12;
  for (const RiffChunk& chunk : WebpChunks(bytes)) {
    end = static_cast<std::size_t>(chunk.body.data() - bytes.data()) + chunk.body.size();
    Take(chunk, parts, kinds);
  }
  if (end + end % 2 < bytes.size()) kinds.insert("trailing_data");
  return parts;
}

std::string ExtendedHeader(unsigned flags, const Pixels& pixels) {
  std::string body;
  Append(body, flags, 4);
  Append(body, pixels.width - 1, 3);
  Append(body, pixels.height - 1, 3);
  return body;
}

// RIFF, then, if there is anything beside the picture, the extended header and its chunks.
std::string Assemble(const WebpParts& parts, const Frame& frame) {
  const std::string exif = frame.orientation == 1 ? "" : OrientationExif(frame.orientation);
  const unsigned flags = (parts.profile.empty() ? 0 : kProfileFlag) |
                         (parts.alpha ? kAlphaFlag : 0) | (exif.empty() ? 0 : kExifFlag);
  std::string body = "WEBP";
  if (flags != 0) AppendChunk(body, "VP8X", ExtendedHeader(flags, frame.pixels));
  body.append(parts.profile).append(parts.transparency).append(parts.picture);
  if (!exif.empty()) AppendChunk(body, "EXIF", exif);
  std::string out = "RIFF";
  Append(out, body.size(), 4);
  return out.append(body);
}

struct WebpFree {
  void operator()(std::uint8_t* bytes) const { ::WebPFree(bytes); }
};

}  // namespace

bool IsAnimatedWebp(std::string_view bytes) {
  for (const RiffChunk& chunk : WebpChunks(bytes)) {
    if (chunk.type == "ANMF" || chunk.type == "ANIM") return true;
  }
  return false;
}

Result<std::string> StripWebp(const RedactTask& task, Kinds& kinds) {
  const WebpParts parts = PartsOf(task.bytes, kinds);
  if (parts.picture.empty()) return InputError("the WebP file holds no picture");
  return Assemble(parts, task.frame);
}

Result<std::string> WriteWebp(const RedactTask& task, const Pixels& pixels, Kinds& kinds) {
  WebpParts parts = PartsOf(task.bytes, kinds);
  std::uint8_t* coded = nullptr;
  const auto width = static_cast<int>(pixels.width);
  const auto height = static_cast<int>(pixels.height);
  const std::size_t size =
      WebPEncodeLosslessBGR(pixels.bgr.data(), width, height, width * 3, &coded);
  const std::unique_ptr<std::uint8_t, WebpFree> owner(coded);
  if (size == 0) return InputError("cannot write the WebP file");
  Kinds none;
  const std::string_view file(reinterpret_cast<const char*>(coded), size);
  parts.picture = PartsOf(file, none).picture;
  parts.transparency.clear();
  parts.alpha = false;
  return Assemble(parts, task.frame);
}

}  // namespace winnow::image
