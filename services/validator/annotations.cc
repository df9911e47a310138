#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "services/validator/core.h"

namespace winnow::validator {
namespace {

using record::Annotation;
using record::Box;
using record::Keypoint;
using record::MaskRle;
using record::Point;

struct Extent {
  double width;
  double height;
};

// NaN is not inside: every comparison with it is false.
bool Inside(const Point& at, const Extent& extent) {
  return at.x >= -kOvershootPixels && at.x <= extent.width + kOvershootPixels &&
         at.y >= -kOvershootPixels && at.y <= extent.height + kOvershootPixels;
}

Point Clipped(const Point& at, const Extent& extent) {
  return {std::clamp(at.x, 0.0, extent.width), std::clamp(at.y, 0.0, extent.height)};
}

Box Clipped(const Box& box, const Extent& extent) {
  const Point from = Clipped(Point{box.x, box.y}, extent);
  const Point to = Clipped(Point{box.x + box.width, box.y + box.height}, extent);
  return {from.x, from.y, to.x - from.x, to.y - from.y};
}

// Shoelace formula over the ring as it lies inside the picture.
double Area(const std::vector<Point>& ring, const Extent& extent) {
  double doubled = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = Clipped(ring[i], extent);
    const Point b = Clipped(ring[(i + 1) % ring.size()], extent);
    doubled += a.x * b.y - b.x * a.y;
  }
  return std::abs(doubled) / 2;
}

// The checks below return what is wrong, empty for nothing.

std::string WrongBox(const Box& box, const Extent& extent) {
  if (!(box.width > 0 && box.height > 0)) return "box has no area";
  const Point from{box.x, box.y};
  const Point to{box.x + box.width, box.y + box.height};
  if (!Inside(from, extent) || !Inside(to, extent)) {
    return fmt::format("box {:.6g},{:.6g} {:.6g}x{:.6g} lies outside the {:.0f}x{:.0f} picture",
                       box.x, box.y, box.width, box.height, extent.width, extent.height);
  }
  const Box clipped = Clipped(box, extent);
  return clipped.width > 0 && clipped.height > 0 ? "" : "box has no area inside the picture";
}

std::string WrongRing(const std::vector<Point>& ring, const Extent& extent) {
  if (ring.size() < 3) return fmt::format("polygon has {} points, 3 are needed", ring.size());
  for (const Point& at : ring) {
    if (!Inside(at, extent)) {
      return fmt::format("polygon point {:.6g},{:.6g} lies outside the {:.0f}x{:.0f} picture", at.x,
                         at.y, extent.width, extent.height);
    }
  }
  return Area(ring, extent) > 0 ? "" : "polygon has no area";
}

std::string WrongPolygons(const record::Polygons& polygons, const Extent& extent) {
  if (polygons.rings.empty()) return "polygon has no ring";
  for (const std::vector<Point>& ring : polygons.rings) {
    if (std::string wrong = WrongRing(ring, extent); !wrong.empty()) return wrong;
  }
  return "";
}

std::string WrongMask(const MaskRle& mask, const Extent& extent) {
  if (mask.width != extent.width || mask.height != extent.height) {
    return fmt::format("mask is {}x{}, the picture {:.0f}x{:.0f}", mask.width, mask.height,
                       extent.width, extent.height);
  }
  std::uint64_t covered = 0;
  std::uint64_t set = 0;
  for (std::size_t i = 0; i < mask.counts.size(); ++i) {
    covered += mask.counts[i];
    if (i % 2 == 1) set += mask.counts[i];
  }
  const std::uint64_t pixels = std::uint64_t{mask.width} * mask.height;
  if (covered != pixels) {
    return fmt::format("mask runs cover {} pixels of {}", covered, pixels);
  }
  return set > 0 ? "" : "mask has no set pixel";
}

std::string WrongKeypoint(const Keypoint& keypoint, const Extent& extent) {
  if (keypoint.visibility < 0 || keypoint.visibility > 2) {
    return fmt::format("keypoint visibility is {}, not 0, 1 or 2", keypoint.visibility);
  }
  if (keypoint.visibility == 0 || Inside(keypoint.at, extent)) return "";
  return fmt::format("keypoint {:.6g},{:.6g} lies outside the {:.0f}x{:.0f} picture", keypoint.at.x,
                     keypoint.at.y, extent.width, extent.height);
}

std::string WrongGeometry(const Annotation& annotation, const Extent& extent) {
  std::string wrong;
  if (annotation.box) wrong = WrongBox(*annotation.box, extent);
  if (wrong.empty() && annotation.polygons) wrong = WrongPolygons(*annotation.polygons, extent);
  if (wrong.empty() && annotation.mask) wrong = WrongMask(*annotation.mask, extent);
  for (std::size_t i = 0; wrong.empty() && i < annotation.keypoints.size(); ++i) {
    wrong = WrongKeypoint(annotation.keypoints[i], extent);
  }
  return wrong;
}

Finding CheckOne(const Annotation& annotation, const LabelRules& rules) {
  if (annotation.label.empty()) return {record::Reason::kAnnotationInvalid, "no label"};
  const std::vector<std::string>& classes = rules.classes;
  if (!classes.empty() &&
      std::find(classes.begin(), classes.end(), annotation.label) == classes.end()) {
    return {record::Reason::kUnknownLabel,
            fmt::format("label \"{}\" is not in objective.classes", annotation.label)};
  }
  const Extent extent{static_cast<double>(rules.width), static_cast<double>(rules.height)};
  std::string wrong = WrongGeometry(annotation, extent);
  if (wrong.empty()) return {};
  return {record::Reason::kAnnotationInvalid,
          fmt::format("label \"{}\": {}", annotation.label, wrong)};
}

}  // namespace

Finding CheckAnnotations(const std::vector<Annotation>& annotations, const LabelRules& rules) {
  if (annotations.empty() && rules.required) {
    return {record::Reason::kAnnotationInvalid,
            "no annotation, and validate.require_annotations asks for one"};
  }
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    Finding finding = CheckOne(annotations[i], rules);
    if (!finding.refused()) continue;
    finding.detail = fmt::format("annotation {}: {}", i + 1, finding.detail);
    return finding;
  }
  return {};
}

void ClipAnnotations(std::vector<Annotation>& annotations, std::uint32_t width,
                     std::uint32_t height) {
  const Extent extent{static_cast<double>(width), static_cast<double>(height)};
  for (Annotation& annotation : annotations) {
    if (annotation.box) annotation.box = Clipped(*annotation.box, extent);
    if (annotation.polygons) {
      for (std::vector<Point>& ring : annotation.polygons->rings) {
        for (Point& at : ring) at = Clipped(at, extent);
      }
    }
    for (Keypoint& keypoint : annotation.keypoints) {
      if (keypoint.visibility > 0) keypoint.at = Clipped(keypoint.at, extent);
    }
  }
}

}  // namespace winnow::validator
