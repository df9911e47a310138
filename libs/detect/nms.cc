#include "libs/detect/nms.h"

#include <algorithm>
#include <tuple>

namespace winnow::detect {
namespace {

bool Precedes(const Detection& a, const Detection& b) {
  return std::make_tuple(-a.score, a.box.y, a.box.x, a.box.height, a.box.width) <
         std::make_tuple(-b.score, b.box.y, b.box.x, b.box.height, b.box.width);
}

}  // namespace

double IntersectionOverUnion(const record::Box& a, const record::Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const double shared = width * height;
  return shared / (a.area() + b.area() - shared);
}

std::vector<Detection> Suppress(std::vector<Detection> detections, double max_overlap) {
  std::sort(detections.begin(), detections.end(), Precedes);
  std::vector<Detection> kept;
  for (const Detection& candidate : detections) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const Detection& better) {
      return IntersectionOverUnion(better.box, candidate.box) > max_overlap;
    });
    if (!known) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace winnow::detect
