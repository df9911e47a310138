// The grey picture that every measure starts from, and its reduction to small sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libs/image/frame.h"

namespace winnow::image {

// 8-bit luma, rows packed without padding.
struct Plane {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> data;

  const std::uint8_t* row(std::uint32_t y) const {
    return data.data() + std::size_t{y} * width;
  }
};

// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded. Thread-safe. Make it once per picture.
Plane MakeLuma(const Pixels& pixels);

// A linear map along one axis: output i is the weighted sum of the input samples from `first[i]`
// on with the weights `weights[i]`, of which there is at least one.
struct AxisWeights {
  std::vector<std::uint32_t> first;
  std::vector<std::vector<float>> weights;

  std::size_t size() const { return first.size(); }
};

// Each output sample is the mean of the input it covers. `to` <= `from`.
AxisWeights AreaWeights(std::uint32_t from, std::uint32_t to);

// The same map for the picture mirrored along this axis, of `length` samples.
AxisWeights Mirrored(const AxisWeights& weights, std::uint32_t length);

// Applies one map down the columns and one along the rows; row-major, rows.size() x cols.size().
// One pass over the plane.
std::vector<float> Resample(const Plane& plane, const AxisWeights& rows, const AxisWeights& cols);

// The same of the picture's luma before it is rounded to 8 bits.
std::vector<float> ResampleLuma(const Pixels& pixels, const AxisWeights& rows,
                                const AxisWeights& cols);

}  // namespace winnow::image
