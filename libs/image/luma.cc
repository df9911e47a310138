#include "libs/image/luma.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>
#include <opencv2/imgproc.hpp>

namespace winnow::image {
namespace {

// Rows of bytes, packed without padding.
struct Rows {
  const std::uint8_t* data;
  std::size_t length;  // of each

  const std::uint8_t* row(std::size_t y) const { return data + y * length; }
};

// Adds weights[k] * row (first + k) to `sum`. Rows are taken in fours: the accumulator is read and
// written a quarter as often.
void AddRows(const Rows& rows, std::uint32_t first, const std::vector<float>& weights,
             float* sum) {
  const std::size_t length = rows.length;
  std::size_t k = 0;
  for (; k + 4 <= weights.size(); k += 4) {
    const std::uint8_t* row = rows.row(first + k);
    const float a = weights[k], b = weights[k + 1], c = weights[k + 2], d = weights[k + 3];
    for (std::size_t x = 0; x < length; ++x) {
      sum[x] += a * row[x] + b * row[x + length] + c * row[x + 2 * length] +
                d * row[x + 3 * length];
    }
  }
  for (; k < weights.size(); ++k) {
    const std::uint8_t* row = rows.row(first + k);
    for (std::size_t x = 0; x < length; ++x) sum[x] += weights[k] * row[x];
  }
}

constexpr std::size_t kGroup = 4;

// All weights of an axis in one array, each output padded with zeros to the same number of groups.
struct FlatTaps {
  std::size_t groups = 0;
  std::vector<float> weights;
};

FlatTaps Flatten(const AxisWeights& axis) {
  std::size_t longest = 0;
  for (const std::vector<float>& taps : axis.weights) longest = std::max(longest, taps.size());
  FlatTaps flat{(longest + kGroup - 1) / kGroup, {}};
  flat.weights.resize(axis.size() * flat.groups * kGroup);
  for (std::size_t i = 0; i < axis.size(); ++i) {
    std::copy(axis.weights[i].begin(), axis.weights[i].end(),
              flat.weights.begin() + static_cast<std::ptrdiff_t>(i * flat.groups * kGroup));
  }
  return flat;
}

float WeighGroup(const float* weights, const float* samples) {
  return (weights[0] * samples[0] + weights[1] * samples[1]) +
         (weights[2] * samples[2] + weights[3] * samples[3]);
}

// The frequent case of at most four taps, four outputs at a time (portable vectors, of OpenCV).
void ApplyShortTaps(const float* weights, const std::vector<std::uint32_t>& first,
                    const float* row, float* to) {
  const auto weigh = [&](std::size_t j) {
    return cv::v_load(weights + j * kGroup) * cv::v_load(row + first[j]);
  };
  std::size_t j = 0;
  for (; j + 4 <= first.size(); j += 4) {
    cv::v_store(to + j, cv::v_reduce_sum4(weigh(j), weigh(j + 1), weigh(j + 2), weigh(j + 3)));
  }
  for (; j < first.size(); ++j) to[j] = WeighGroup(weights + j * kGroup, row + first[j]);
}

// `row` is readable for one group past the last sample that has a weight.
void ApplyTaps(const FlatTaps& taps, const AxisWeights& axis, const float* row, float* to) {
  const float* weights = taps.weights.data();
  if (taps.groups == 1) return ApplyShortTaps(weights, axis.first, row, to);
  for (std::size_t j = 0; j < axis.size(); ++j) {
    float value = 0;
    const std::size_t used = (axis.weights[j].size() + kGroup - 1) / kGroup;
    for (std::size_t g = 0; g < used; ++g) {
      value += WeighGroup(weights + g * kGroup, row + axis.first[j] + g * kGroup);
    }
    weights += taps.groups * kGroup;
    to[j] = value;
  }
}

// Applies the maps to rows of bytes. `finish` makes the row that the taps are applied to of a
// weighted sum of rows, `width` long and readable for one group more.
template <class Finish>
std::vector<float> Apply(const Rows& bytes, const AxisWeights& rows, const AxisWeights& cols,
                         Finish finish) {
  const FlatTaps taps = Flatten(cols);
  std::vector<float> out(rows.size() * cols.size());
  // The last taps may reach past the row, with weight 0.
  std::vector<float> sum(bytes.length + kGroup);
  float* to = out.data();
  for (std::size_t i = 0; i < rows.size(); ++i, to += cols.size()) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    AddRows(bytes, rows.first[i], rows.weights[i], sum.data());
    ApplyTaps(taps, cols, finish(sum.data()), to);
  }
  return out;
}

}  // namespace

Plane MakeLuma(const Pixels& pixels) {
  Plane plane{pixels.width, pixels.height, {}};
  plane.data.resize(std::size_t{pixels.width} * pixels.height);
  if (plane.data.empty()) return plane;
  const int rows = static_cast<int>(pixels.height);
  const int cols = static_cast<int>(pixels.width);
  // cv::Mat has no view of constant data; the source is only read.
  const cv::Mat bgr(rows, cols, CV_8UC3, const_cast<std::uint8_t*>(pixels.bgr.data()));
  cv::Mat grey(rows, cols, CV_8UC1, plane.data.data());
  cv::cvtColor(bgr, grey, cv::COLOR_BGR2GRAY);
  return plane;
}

AxisWeights AreaWeights(std::uint32_t from, std::uint32_t to) {
  AxisWeights axis;
  const double step = static_cast<double>(from) / to;
  for (std::uint32_t i = 0; i < to; ++i) {
    const double begin = i * step;
    const double end = i + 1 == to ? from : (i + 1) * step;
    const auto first = static_cast<std::uint32_t>(begin);
    std::vector<float> weights;
    for (std::uint32_t k = first; k < from && k < end; ++k) {
      const double covered = std::min(end, k + 1.0) - std::max<double>(begin, k);
      weights.push_back(static_cast<float>(covered / (end - begin)));
    }
    axis.first.push_back(first);
    axis.weights.push_back(std::move(weights));
  }
  return axis;
}

AxisWeights Mirrored(const AxisWeights& weights, std::uint32_t length) {
  AxisWeights mirrored = weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    std::vector<float>& taps = mirrored.weights[i];
    std::reverse(taps.begin(), taps.end());
    mirrored.first[i] = length - weights.first[i] - static_cast<std::uint32_t>(taps.size());
  }
  return mirrored;
}

std::vector<float> Resample(const Plane& plane, const AxisWeights& rows, const AxisWeights& cols) {
  return Apply({plane.data.data(), plane.width}, rows, cols, [](const float* sum) { return sum; });
}

// Colours are weighed after the rows are summed: once for each row that comes out.
std::vector<float> ResampleLuma(const Pixels& pixels, const AxisWeights& rows,
                                const AxisWeights& cols) {
  const std::size_t width = pixels.width;
  std::vector<float> luma(width + kGroup);
  return Apply({pixels.bgr.data(), width * 3}, rows, cols, [&](const float* bgr) {
    for (std::size_t x = 0; x < width; ++x, bgr += 3) {
      luma[x] = 0.114f * bgr[0] + 0.587f * bgr[1] + 0.299f * bgr[2];
    }
    return luma.data();
  });
}

}  // namespace winnow::image
