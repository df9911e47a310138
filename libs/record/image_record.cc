#include "libs/record/image_record.h"

#include <tuple>

namespace winnow::record {

std::string_view Name(ImageFormat format) {
  switch (format) {
    case ImageFormat::kUnknown: return "unknown";
    case ImageFormat::kJpeg: return "jpeg";
    case ImageFormat::kPng: return "png";
    case ImageFormat::kWebp: return "webp";
    case ImageFormat::kTiff: return "tiff";
    case ImageFormat::kBmp: return "bmp";
  }
  return "unknown";
}

std::string_view MediaType(ImageFormat format) {
  switch (format) {
    case ImageFormat::kUnknown: return "application/octet-stream";
    case ImageFormat::kJpeg: return "image/jpeg";
    case ImageFormat::kPng: return "image/png";
    case ImageFormat::kWebp: return "image/webp";
    case ImageFormat::kTiff: return "image/tiff";
    case ImageFormat::kBmp: return "image/bmp";
  }
  return "application/octet-stream";
}

std::string_view Name(Lighting lighting) {
  switch (lighting) {
    case Lighting::kUnknown: return "unknown";
    case Lighting::kDark: return "dark";
    case Lighting::kDim: return "dim";
    case Lighting::kNormal: return "normal";
    case Lighting::kBright: return "bright";
  }
  return "unknown";
}

std::string_view Name(Turn turn) {
  switch (turn) {
    case Turn::kNone: return "none";
    case Turn::kRotated90: return "rotated_90";
    case Turn::kRotated180: return "rotated_180";
    case Turn::kRotated270: return "rotated_270";
    case Turn::kMirrored: return "mirrored";
    case Turn::kFlipped: return "flipped";
    case Turn::kTransposed: return "transposed";
    case Turn::kTransversed: return "transversed";
  }
  return "none";
}

bool operator==(const ImageRecord& a, const ImageRecord& b) {
  const auto key = [](const ImageRecord& r) {
    return std::tie(r.id, r.collection, r.source, r.captured_at, r.ingested_at, r.payload,
                    r.attributes, r.annotations, r.consent, r.source_fault, r.source_fault_detail,
                    r.measurements, r.fingerprint, r.redaction, r.duplicate, r.selection,
                    r.placement, r.history, r.unknown_fields, r.undecoded);
  };
  return key(a) == key(b);
}

RecordId DeriveRecordId(const SourceId& source, std::string_view path,
                        const Sha256Digest& content_sha256) {
  const std::string_view separator("\0", 1);
  Sha256Hasher hasher;
  hasher.Update(source.value());
  hasher.Update(separator);
  hasher.Update(path);
  hasher.Update(separator);
  hasher.Update(std::string(content_sha256.begin(), content_sha256.end()));
  return RecordId(ToHex(hasher.Finish()).substr(0, 32));
}

}  // namespace winnow::record
