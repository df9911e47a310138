#include "libs/image/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "libs/image/encode.h"

namespace winnow::image {
namespace {

std::uint32_t Scaled(std::uint32_t side, double scale) {
  return std::max(1u, static_cast<std::uint32_t>(std::lround(side * scale)));
}

Pixels Shrunk(const Pixels& from, double scale) {
  Pixels to{Scaled(from.width, scale), Scaled(from.height, scale), {}};
  to.bgr.resize(std::size_t{to.width} * to.height * 3);
  // OpenCV has no const view; the source is only read.
  const cv::Mat source(static_cast<int>(from.height), static_cast<int>(from.width), CV_8UC3,
                       const_cast<std::uint8_t*>(from.bgr.data()));
  cv::Mat target(static_cast<int>(to.height), static_cast<int>(to.width), CV_8UC3, to.bgr.data());
  cv::resize(source, target, target.size(), 0, 0, cv::INTER_AREA);
  return to;
}

}  // namespace

Result<std::string> JpegThumbnail(const Pixels& upright, std::uint32_t max_side, int quality) {
  const std::uint32_t longer = std::max(upright.width, upright.height);
  if (upright.bgr.empty()) return InputError("an empty picture has no thumbnail");
  try {
    if (longer <= max_side) return EncodeJpeg(upright, quality);
    return EncodeJpeg(Shrunk(upright, double{1} * max_side / longer), quality);
  } catch (const std::exception& error) {
    return InputError(std::string("cannot shrink the picture: ") + error.what());
  }
}

}  // namespace winnow::image
