#include "libs/ingest/geometry_json.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>

namespace winnow::ingest {
namespace {

Error Wrong(std::string_view what, std::string_view expected) {
  return InputError("\"" + std::string(what) + "\" must be " + std::string(expected));
}

Result<std::vector<record::Point>> ReadRing(const Json& value, std::string_view what) {
  WINNOW_ASSIGN_OR_RETURN(const std::vector<double> xy, ReadNumbers(value, what));
  if (xy.size() % 2 != 0) return Wrong(what, "pairs of x and y");
  std::vector<record::Point> ring;
  for (std::size_t i = 0; i < xy.size(); i += 2) ring.push_back({xy[i], xy[i + 1]});
  return ring;
}

Result<std::vector<std::uint32_t>> ReadCounts(const Json& value, std::string_view what) {
  if (value.is_string()) return DecodeRunLengths(value.get_ref<const std::string&>());
  if (!value.is_array()) return Wrong(what, "a list of run lengths or COCO's compressed text");
  std::vector<std::uint32_t> counts;
  counts.reserve(value.size());
  for (const Json& element : value) {
    WINNOW_ASSIGN_OR_RETURN(const std::uint32_t count, ReadUint32(element, what));
    counts.push_back(count);
  }
  return counts;
}

}  // namespace

Result<record::Box> ReadBox(const Json& value, std::string_view what) {
  WINNOW_ASSIGN_OR_RETURN(const std::vector<double> xywh, ReadNumbers(value, what));
  if (xywh.size() != 4) return Wrong(what, "[x, y, width, height]");
  return record::Box{xywh[0], xywh[1], xywh[2], xywh[3]};
}

Result<record::Polygons> ReadPolygons(const Json& value, std::string_view what) {
  if (!value.is_array()) return Wrong(what, "a list of rings [x0, y0, x1, y1 ...]");
  record::Polygons polygons;
  if (!value.empty() && value.front().is_number()) {
    WINNOW_ASSIGN_OR_RETURN(auto ring, ReadRing(value, what));
    polygons.rings.push_back(std::move(ring));
    return polygons;
  }
  for (const Json& element : value) {
    WINNOW_ASSIGN_OR_RETURN(auto ring, ReadRing(element, what));
    polygons.rings.push_back(std::move(ring));
  }
  return polygons;
}

Result<std::vector<record::Keypoint>> ReadKeypoints(const Json& value, std::string_view what) {
  WINNOW_ASSIGN_OR_RETURN(const std::vector<double> xyv, ReadNumbers(value, what));
  if (xyv.size() % 3 != 0) return Wrong(what, "triples of x, y and visibility");
  std::vector<record::Keypoint> keypoints;
  for (std::size_t i = 0; i < xyv.size(); i += 3) {
    const double visibility = xyv[i + 2];
    if (visibility < 0 || visibility > 2) return Wrong(what, "of visibility 0, 1 or 2");
    keypoints.push_back({{xyv[i], xyv[i + 1]}, static_cast<int>(std::lround(visibility))});
  }
  return keypoints;
}

Result<record::MaskRle> ReadMask(const Json& value, std::string_view what) {
  const Json* size = value.is_object() ? Member(value, "size") : nullptr;
  const Json* counts = value.is_object() ? Member(value, "counts") : nullptr;
  if (size == nullptr || counts == nullptr || !size->is_array() || size->size() != 2) {
    return Wrong(what, "{\"size\": [height, width], \"counts\": ...}");
  }
  record::MaskRle mask;
  WINNOW_ASSIGN_OR_RETURN(mask.height, ReadUint32((*size)[0], what));
  WINNOW_ASSIGN_OR_RETURN(mask.width, ReadUint32((*size)[1], what));
  WINNOW_ASSIGN_OR_RETURN(mask.counts, ReadCounts(*counts, what));
  const std::uint64_t pixels =
      std::accumulate(mask.counts.begin(), mask.counts.end(), std::uint64_t{0});
  if (pixels != std::uint64_t{mask.width} * mask.height) {
    return Wrong(what, "a mask whose runs add up to height * width");
  }
  return mask;
}

Result<std::vector<std::uint32_t>> DecodeRunLengths(std::string_view text) {
  std::vector<std::uint32_t> counts;
  constexpr int kMaxBits = 40;
  for (std::size_t at = 0; at < text.size();) {
    std::int64_t value = 0;
    int bits = 0;
    int group = 0;
    do {
      group = at < text.size() ? text[at++] - '0' : -1;
      if (group < 0 || group > 63 || bits >= kMaxBits) return InputError("bad compressed mask");
      value |= std::int64_t{group & 0x1F} << bits;
      bits += 5;
    } while ((group & 0x20) != 0);
    if ((group & 0x10) != 0) value -= std::int64_t{1} << bits;
    if (counts.size() > 2) value += counts[counts.size() - 2];
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
      return InputError("bad compressed mask");
    }
    counts.push_back(static_cast<std::uint32_t>(value));
  }
  return counts;
}

}  // namespace winnow::ingest
