#include "libs/detect/multi_scale_detector.h"

#include <utility>

#include "libs/detect/nms.h"

namespace winnow::detect {
namespace {

constexpr double kMaxOverlap = 0.3;  // deface's and the OpenCV YuNet demo's

bool CentreWithin(const record::Box& box, const record::Box& core) {
  const double x = box.x + box.width / 2 - core.x;
  const double y = box.y + box.height / 2 - core.y;
  return x >= 0 && y >= 0 && x <= core.width && y <= core.height;
}

}  // namespace

MultiScaleDetector::MultiScaleDetector(Identity identity, const Head& head,
                                       std::unique_ptr<Network> network, PyramidOptions options)
    : identity_(std::move(identity)),
      head_(head),
      network_(std::move(network)),
      options_(options) {}

Status MultiScaleDetector::DetectInTile(const image::Pixels& upright, const Tile& tile,
                                        double threshold, std::vector<Detection>& found) {
  WINNOW_ASSIGN_OR_RETURN(const auto tensors,
                          network_->Run(upright, tile.pass, head_.order, head_.outputs));
  WINNOW_ASSIGN_OR_RETURN(auto here, head_.decode(tensors, tile.pass, threshold));
  // Within the tile first: a low threshold can give thousands of cells of one face.
  for (Detection& detection : Suppress(std::move(here), kMaxOverlap)) {
    detection.box = ToPicture(detection.box, tile.pass, upright.width, upright.height);
    if (detection.box.area() > 0 && CentreWithin(detection.box, tile.core)) {
      found.push_back(detection);
    }
  }
  return {};
}

Result<std::vector<Detection>> MultiScaleDetector::Detect(const image::Pixels& upright,
                                                          double threshold) {
  std::vector<Detection> found;
  for (const Tile& tile : PlanTiles(upright.width, upright.height, options_)) {
    WINNOW_RETURN_IF_ERROR(DetectInTile(upright, tile, threshold, found));
  }
  return Suppress(std::move(found), kMaxOverlap);
}

}  // namespace winnow::detect
