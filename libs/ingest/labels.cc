#include "libs/ingest/labels.h"

#include <cstdint>
#include <numeric>
#include <utility>

#include "libs/image/frame.h"

namespace winnow::ingest {
namespace {

// A header may claim any size; two bytes a pixel are needed to turn a mask. A larger mask is
// emptied, which the validator refuses, rather than left lying the wrong way.
constexpr std::uint64_t kMaxMaskPixels = 200'000'000;

record::Point ToStored(const record::Point& point, const ImageHeader& header) {
  const record::Box box = image::ToStored({point.x, point.y, 0, 0}, header.orientation,
                                          header.width, header.height);
  return {box.x, box.y};
}

// One byte a pixel, column by column as in the run lengths.
std::vector<std::uint8_t> Expand(const record::MaskRle& mask) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(std::size_t{mask.width} * mask.height);
  std::uint8_t value = 0;
  for (const std::uint32_t run : mask.counts) {
    pixels.insert(pixels.end(), run, value);
    value ^= 1;
  }
  return pixels;
}

std::vector<std::uint32_t> Compress(const std::vector<std::uint8_t>& pixels) {
  std::vector<std::uint32_t> counts = {0};
  std::uint8_t value = 0;
  for (const std::uint8_t pixel : pixels) {
    if (pixel != value) counts.push_back(0);
    value = pixel;
    ++counts.back();
  }
  return counts;
}

bool Fits(const record::MaskRle& mask, const ImageHeader& header) {
  const UprightSize upright = UprightSizeOf(header);
  const std::uint64_t pixels =
      std::accumulate(mask.counts.begin(), mask.counts.end(), std::uint64_t{0});
  return mask.width == upright.width && mask.height == upright.height &&
         pixels == std::uint64_t{mask.width} * mask.height;
}

record::MaskRle ToStored(const record::MaskRle& mask, const ImageHeader& header) {
  const std::vector<std::uint8_t> upright = Expand(mask);
  std::vector<std::uint8_t> stored(upright.size());
  const auto place = [&](double x, double y) {
    const record::Box pixel =
        image::ToStored({x, y, 1, 1}, header.orientation, header.width, header.height);
    return static_cast<std::ptrdiff_t>(pixel.x) * header.height +
           static_cast<std::ptrdiff_t>(pixel.y);
  };
  // The mapping is linear: three corners tell it all.
  const std::ptrdiff_t origin = place(0, 0);
  const std::ptrdiff_t step_x = mask.width > 1 ? place(1, 0) - origin : 0;
  const std::ptrdiff_t step_y = mask.height > 1 ? place(0, 1) - origin : 0;
  auto from = upright.begin();
  for (std::ptrdiff_t x = 0; x < std::ptrdiff_t{mask.width}; ++x) {
    for (std::ptrdiff_t y = 0; y < std::ptrdiff_t{mask.height}; ++y) {
      stored[static_cast<std::size_t>(origin + x * step_x + y * step_y)] = *from++;
    }
  }
  return {header.width, header.height, Compress(stored)};
}

}  // namespace

UprightSize UprightSizeOf(const ImageHeader& header) {
  UprightSize size{static_cast<double>(header.width), static_cast<double>(header.height)};
  if (header.orientation >= 5) std::swap(size.width, size.height);
  return size;
}

void MoveToStored(const ImageHeader& header, record::Annotation& annotation) {
  if (header.orientation == 1 || !header.has_size()) return;
  if (annotation.box) {
    annotation.box =
        image::ToStored(*annotation.box, header.orientation, header.width, header.height);
  }
  if (annotation.polygons) {
    for (auto& ring : annotation.polygons->rings) {
      for (record::Point& point : ring) point = ToStored(point, header);
    }
  }
  for (record::Keypoint& keypoint : annotation.keypoints) {
    keypoint.at = ToStored(keypoint.at, header);
  }
  if (!annotation.mask || !Fits(*annotation.mask, header)) return;
  if (std::uint64_t{header.width} * header.height > kMaxMaskPixels) {
    annotation.mask->counts.clear();
    return;
  }
  annotation.mask = ToStored(*annotation.mask, header);
}

}  // namespace winnow::ingest
