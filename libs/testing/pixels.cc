#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include "libs/testing/images.h"

namespace winnow::testing {
namespace {

using Rng = std::mt19937;

// Not std::uniform_real_distribution, whose values the standard leaves open.
double Uniform(Rng& rng, double low, double high) {
  return low + (high - low) * static_cast<double>(rng()) / 4294967295.0;
}

struct Plane {
  std::uint32_t width;
  std::uint32_t height;
  std::vector<float> samples;  // BGR, interleaved

  float* at(std::uint32_t x, std::uint32_t y) {
    return &samples[(std::size_t{y} * width + x) * 3];
  }
};

std::pair<std::vector<double>, std::vector<double>> SinesAlong(std::uint32_t count, double step,
                                                               double phase) {
  std::vector<double> sines(count);
  std::vector<double> cosines(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    sines[i] = std::sin(i * step + phase);
    cosines[i] = std::cos(i * step + phase);
  }
  return {std::move(sines), std::move(cosines)};
}

// Large soft shapes: what a perceptual hash looks at.
void AddWave(Rng& rng, Plane& plane) {
  const double angle = Uniform(rng, 0, 2 * std::numbers::pi);
  const double cycles = Uniform(rng, 0.7, 6);
  const double scale = 2 * std::numbers::pi * cycles / std::max(plane.width, plane.height);
  const double dx = std::cos(angle) * scale;
  const double dy = std::sin(angle) * scale;
  const double phase = Uniform(rng, 0, 2 * std::numbers::pi);
  const double gain = Uniform(rng, 12, 30);
  const std::array<double, 3> tint = {Uniform(rng, 0.6, 1), Uniform(rng, 0.8, 1),
                                      Uniform(rng, 0.6, 1)};
  // sin(a + b) from sines along the two sides: a sine per pixel would be most of a test's time.
  const auto [sin_x, cos_x] = SinesAlong(plane.width, dx, phase);
  const auto [sin_y, cos_y] = SinesAlong(plane.height, dy, 0);
  for (std::uint32_t y = 0; y < plane.height; ++y) {
    for (std::uint32_t x = 0; x < plane.width; ++x) {
      const double value = gain * (sin_x[x] * cos_y[y] + cos_x[x] * sin_y[y]);
      for (int c = 0; c < 3; ++c) plane.at(x, y)[c] += static_cast<float>(value * tint[c]);
    }
  }
}

// Hard edges: what a sharpness measure looks at.
void AddRectangle(Rng& rng, Plane& plane) {
  const auto side = [&](std::uint32_t length) {
    return static_cast<std::uint32_t>(Uniform(rng, 0.04, 0.25) * length) + 1;
  };
  const std::uint32_t width = std::min(plane.width, side(plane.width));
  const std::uint32_t height = std::min(plane.height, side(plane.height));
  const auto left = static_cast<std::uint32_t>(Uniform(rng, 0, plane.width - width));
  const auto top = static_cast<std::uint32_t>(Uniform(rng, 0, plane.height - height));
  const std::array<double, 3> color = {Uniform(rng, -90, 90), Uniform(rng, -90, 90),
                                       Uniform(rng, -90, 90)};
  for (std::uint32_t y = top; y < top + height; ++y) {
    for (std::uint32_t x = left; x < left + width; ++x) {
      for (int c = 0; c < 3; ++c) plane.at(x, y)[c] += static_cast<float>(color[c]);
    }
  }
}

void AddGrain(Rng& rng, Plane& plane) {
  for (float& sample : plane.samples) sample += static_cast<float>(Uniform(rng, -3, 3));
}

// Samples centred on 0 to a picture that uses the range from dark to bright.
void Expose(const Plane& plane, double brightness, image::Pixels& out) {
  for (std::size_t i = 0; i < plane.samples.size(); ++i) {
    const double value = std::clamp(128 + 1.2 * plane.samples[i], 8.0, 247.0) * brightness;
    out.bgr[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
  }
}

// One direction of a box blur over `count` pixels `step` bytes apart.
void BlurLine(std::uint8_t* line, std::uint32_t count, std::size_t step, int radius) {
  std::vector<int> sums(std::size_t{count} + 1);
  for (std::uint32_t i = 0; i < count; ++i) sums[i + 1] = sums[i] + line[i * step];
  for (int i = 0; i < static_cast<int>(count); ++i) {
    const int from = std::max(0, i - radius);
    const int to = std::min(static_cast<int>(count), i + radius + 1);
    line[static_cast<std::size_t>(i) * step] = static_cast<std::uint8_t>(
        (sums[static_cast<std::size_t>(to)] - sums[static_cast<std::size_t>(from)]) / (to - from));
  }
}

void Blur(image::Pixels& pixels, std::uint32_t radius) {
  const std::size_t row = std::size_t{pixels.width} * 3;
  for (std::size_t y = 0; y < pixels.height; ++y) {
    for (std::size_t c = 0; c < 3; ++c) {
      BlurLine(&pixels.bgr[y * row + c], pixels.width, 3, static_cast<int>(radius));
    }
  }
  for (std::size_t x = 0; x < row; ++x) {
    BlurLine(&pixels.bgr[x], pixels.height, row, static_cast<int>(radius));
  }
}

}  // namespace

image::Pixels MakePixels(const MakeImageOptions& options) {
  Rng rng(options.seed);
  rng.discard(16);
  Plane plane{options.width, options.height,
              std::vector<float>(std::size_t{options.width} * options.height * 3)};
  for (int i = 0; i < 7; ++i) AddWave(rng, plane);
  for (int i = 0; i < 40; ++i) AddRectangle(rng, plane);
  AddGrain(rng, plane);
  image::Pixels pixels{options.width, options.height,
                       std::vector<std::uint8_t>(plane.samples.size())};
  Expose(plane, options.brightness, pixels);
  if (options.blur > 0) Blur(pixels, options.blur);
  return pixels;
}

}  // namespace winnow::testing
