// Private to the codec: each closed set paired with its values on the wire.
#pragma once

#include <winnow/v1/image_record.pb.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/check.h"
#include "libs/record/image_record.h"
#include "libs/record/reason.h"

namespace winnow::record {

namespace pb = ::winnow::v1;

inline constexpr std::array kSourceKinds = {
    std::pair(SourceKind::kFolder, pb::SOURCE_KIND_FOLDER),
    std::pair(SourceKind::kFeed, pb::SOURCE_KIND_FEED),
    std::pair(SourceKind::kUpload, pb::SOURCE_KIND_UPLOAD),
    std::pair(SourceKind::kCamera, pb::SOURCE_KIND_CAMERA)};

inline constexpr std::array kImageFormats = {
    std::pair(ImageFormat::kUnknown, pb::IMAGE_FORMAT_UNKNOWN),
    std::pair(ImageFormat::kJpeg, pb::IMAGE_FORMAT_JPEG),
    std::pair(ImageFormat::kPng, pb::IMAGE_FORMAT_PNG),
    std::pair(ImageFormat::kWebp, pb::IMAGE_FORMAT_WEBP),
    std::pair(ImageFormat::kTiff, pb::IMAGE_FORMAT_TIFF),
    std::pair(ImageFormat::kBmp, pb::IMAGE_FORMAT_BMP)};

inline constexpr std::array kLightings = {
    std::pair(Lighting::kUnknown, pb::LIGHTING_UNKNOWN),
    std::pair(Lighting::kDark, pb::LIGHTING_DARK),
    std::pair(Lighting::kDim, pb::LIGHTING_DIM),
    std::pair(Lighting::kNormal, pb::LIGHTING_NORMAL),
    std::pair(Lighting::kBright, pb::LIGHTING_BRIGHT)};

inline constexpr std::array kTurns = {
    std::pair(Turn::kNone, pb::TURN_NONE),
    std::pair(Turn::kRotated90, pb::TURN_ROTATED_90),
    std::pair(Turn::kRotated180, pb::TURN_ROTATED_180),
    std::pair(Turn::kRotated270, pb::TURN_ROTATED_270),
    std::pair(Turn::kMirrored, pb::TURN_MIRRORED),
    std::pair(Turn::kFlipped, pb::TURN_FLIPPED),
    std::pair(Turn::kTransposed, pb::TURN_TRANSPOSED),
    std::pair(Turn::kTransversed, pb::TURN_TRANSVERSED)};

// The enumerators of reason.proto are named after Name(), so the two sets cannot drift apart
// unseen: a value that the contract lacks ends the process at its first use.
template <class Wire, class Closed, std::size_t kCount>
std::array<std::pair<Closed, Wire>, kCount> PairByName(const std::array<Closed, kCount>& all,
                                                       std::string_view prefix,
                                                       bool (*parse)(const std::string&, Wire*)) {
  std::array<std::pair<Closed, Wire>, kCount> pairs{};
  for (std::size_t i = 0; i < kCount; ++i) {
    std::string name(prefix);
    for (const char c : Name(all[i])) {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    Wire wire{};
    WINNOW_CHECK(parse(name, &wire));
    pairs[i] = {all[i], wire};
  }
  return pairs;
}

inline const auto& Reasons() {
  static const auto pairs = PairByName<pb::Reason>(
      kAllReasons, "REASON_", +[](const std::string& name, pb::Reason* wire) {
        return pb::Reason_Parse(name, wire);
      });
  return pairs;
}

inline const auto& Dispositions() {
  static const auto pairs = PairByName<pb::Disposition>(
      kAllDispositions, "DISPOSITION_", +[](const std::string& name, pb::Disposition* wire) {
        return pb::Disposition_Parse(name, wire);
      });
  return pairs;
}

}  // namespace winnow::record
