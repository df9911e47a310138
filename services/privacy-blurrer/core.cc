#include "services/privacy-blurrer/core.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "libs/image/frame.h"

namespace winnow::privacy {
namespace {

using record::Box;
using record::RedactedRegion;

// Share of the smaller region that lies in the larger one from which on the two become one. Lower
// values chain the faces of a crowd into one region as large as the picture.
constexpr double kMergeShare = 0.8;
constexpr double kMarkShare = 0.5;

double Right(const Box& box) { return box.x + box.width; }
double Bottom(const Box& box) { return box.y + box.height; }

Box FromEdges(double left, double top, double right, double bottom) {
  return {left, top, std::max(0.0, right - left), std::max(0.0, bottom - top)};
}

Box Intersection(const Box& a, const Box& b) {
  return FromEdges(std::max(a.x, b.x), std::max(a.y, b.y), std::min(Right(a), Right(b)),
                   std::min(Bottom(a), Bottom(b)));
}

Box Hull(const Box& a, const Box& b) {
  return FromEdges(std::min(a.x, b.x), std::min(a.y, b.y), std::max(Right(a), Right(b)),
                   std::max(Bottom(a), Bottom(b)));
}

Box Grown(const Box& box, double share) {
  return {box.x - share * box.width, box.y - share * box.height, box.width * (1 + 2 * share),
          box.height * (1 + 2 * share)};
}

Box WholePixels(const Box& box, const Geometry& geometry) {
  return Intersection({0, 0, static_cast<double>(geometry.width),
                       static_cast<double>(geometry.height)},
                      FromEdges(std::floor(box.x), std::floor(box.y), std::ceil(Right(box)),
                                std::ceil(Bottom(box))));
}

std::vector<RedactedRegion> Regions(const std::vector<detect::Detection>& detections,
                                    std::string_view kind, const Geometry& geometry,
                                    double grow) {
  std::vector<RedactedRegion> regions;
  for (const detect::Detection& detection : detections) {
    const Box stored = image::ToStored(Grown(detection.box, grow), geometry.orientation,
                                       geometry.width, geometry.height);
    RedactedRegion region;
    region.box = WholePixels(stored, geometry);
    region.kind = kind;
    region.score = detection.score;
    if (region.box.area() > 0) regions.push_back(std::move(region));
  }
  return regions;
}

bool Belong(const Box& a, const Box& b) {
  return Intersection(a, b).area() >= kMergeShare * std::min(a.area(), b.area());
}

// Takes each region that belongs to `region` out of `merged` and into `region`, until none does.
void Absorb(RedactedRegion& region, std::vector<RedactedRegion>& merged) {
  for (;;) {
    const auto found = std::find_if(merged.begin(), merged.end(), [&](const RedactedRegion& other) {
      return Belong(other.box, region.box);
    });
    if (found == merged.end()) return;
    region.box = Hull(region.box, found->box);
    region.score = std::max(region.score, found->score);
    merged.erase(found);
  }
}

std::vector<RedactedRegion> Merge(std::vector<RedactedRegion> regions) {
  std::vector<RedactedRegion> merged;
  for (RedactedRegion& region : regions) {
    Absorb(region, merged);
    merged.push_back(std::move(region));
  }
  return merged;
}

// Length of the union of the vertical extents of those boxes that reach across [left, right].
double CoveredHeight(const std::vector<Box>& by_top, double left, double right) {
  double height = 0;
  double reached = -std::numeric_limits<double>::infinity();
  for (const Box& box : by_top) {
    if (box.x > left || Right(box) < right) continue;
    height += std::max(0.0, Bottom(box) - std::max(box.y, reached));
    reached = std::max(reached, Bottom(box));
  }
  return height;
}

double UnionArea(std::vector<Box> boxes) {
  std::vector<double> edges;
  for (const Box& box : boxes) {
    edges.push_back(box.x);
    edges.push_back(Right(box));
  }
  std::sort(edges.begin(), edges.end());
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.y < b.y; });
  double area = 0;
  for (std::size_t i = 1; i < edges.size(); ++i) {
    if (edges[i] == edges[i - 1]) continue;
    area += (edges[i] - edges[i - 1]) * CoveredHeight(boxes, edges[i - 1], edges[i]);
  }
  return area;
}

std::optional<Box> BoundsOf(const record::Annotation& annotation) {
  if (annotation.box) return annotation.box;
  std::optional<Box> bounds;
  const auto add = [&](const record::Point& point) {
    const Box at{point.x, point.y, 0, 0};
    bounds = bounds ? Hull(*bounds, at) : at;
  };
  if (annotation.polygons) {
    for (const auto& ring : annotation.polygons->rings) {
      std::for_each(ring.begin(), ring.end(), add);
    }
  }
  for (const record::Keypoint& keypoint : annotation.keypoints) {
    if (keypoint.visibility > 0) add(keypoint.at);
  }
  return bounds;
}

}  // namespace

RedactionPlan Plan(const std::vector<detect::Detection>& detections, std::string_view kind,
                   const Geometry& geometry, const spec::PrivacyPolicy& policy) {
  return {Merge(Regions(detections, kind, geometry, policy.grow)), policy.cells};
}

RedactionPlan Enlarge(RedactionPlan plan, const std::vector<detect::Detection>& residual,
                      std::string_view kind, const Geometry& geometry,
                      const spec::PrivacyPolicy& policy) {
  std::vector<RedactedRegion> regions = std::move(plan.regions);
  for (RedactedRegion& region : Regions(residual, kind, geometry, policy.grow)) {
    regions.push_back(std::move(region));
  }
  return {Merge(std::move(regions)), std::max(1U, plan.cells / 2)};
}

double CoveredArea(const std::vector<RedactedRegion>& regions, const Box& box) {
  std::vector<Box> parts;
  for (const RedactedRegion& region : regions) {
    const Box part = Intersection(region.box, box);
    if (part.area() > 0) parts.push_back(part);
  }
  return UnionArea(std::move(parts));
}

double CoveredRatio(const std::vector<RedactedRegion>& regions, const Geometry& geometry) {
  const Box picture{0, 0, static_cast<double>(geometry.width),
                    static_cast<double>(geometry.height)};
  return picture.area() > 0 ? CoveredArea(regions, picture) / picture.area() : 0;
}

double BestScore(const std::vector<detect::Detection>& detections) {
  double best = 0;
  for (const detect::Detection& detection : detections) best = std::max(best, detection.score);
  return best;
}

void MarkRedacted(const std::vector<RedactedRegion>& regions,
                  std::vector<record::Annotation>& annotations) {
  for (record::Annotation& annotation : annotations) {
    const std::optional<Box> bounds = BoundsOf(annotation);
    if (!bounds || bounds->area() <= 0) continue;
    if (CoveredArea(regions, *bounds) >= kMarkShare * bounds->area()) {
      annotation.attributes["redacted"] = "true";
    }
  }
}

}  // namespace winnow::privacy
