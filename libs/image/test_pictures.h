// Defects laid on a picture in graded strength, for the tests of the measures.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "libs/image/frame.h"
#include "libs/image/luma.h"
#include "libs/testing/images.h"

namespace winnow::image {

inline Pixels TestPicture(std::uint32_t seed, std::uint32_t width = 480,
                          std::uint32_t height = 360) {
  testing::MakeImageOptions options;
  options.seed = seed;
  options.width = width;
  options.height = height;
  return testing::MakePixels(options);
}

// Gaussian noise of `sigma` grey levels, equal in the three colours.
inline Pixels WithNoise(Pixels pixels, double sigma) {
  std::mt19937 random(7);
  for (std::size_t i = 0; i + 2 < pixels.bgr.size(); i += 3) {
    double sum = -6;  // of twelve uniform numbers: nearly normal, and the same on every machine
    for (int k = 0; k < 12; ++k) sum += random() / 4294967296.0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double value = std::clamp(pixels.bgr[i + c] + sigma * sum, 0.0, 255.0);
      pixels.bgr[i + c] = static_cast<std::uint8_t>(std::lround(value));
    }
  }
  return pixels;
}

// Every sample becomes the mean of the `length` samples from it on to the right.
inline Pixels WithMotion(const Pixels& pixels, std::uint32_t length) {
  Pixels out = pixels;
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    for (std::uint32_t x = 0; x < pixels.width; ++x) {
      for (std::uint32_t c = 0; c < 3; ++c) {
        std::uint32_t sum = 0;
        for (std::uint32_t k = 0; k < length; ++k) {
          const std::uint32_t from = std::min(pixels.width - 1, x + k);
          sum += pixels.bgr[(std::size_t{y} * pixels.width + from) * 3 + c];
        }
        out.bgr[(std::size_t{y} * pixels.width + x) * 3 + c] =
            static_cast<std::uint8_t>(sum / length);
      }
    }
  }
  return out;
}

inline Pixels WithGain(Pixels pixels, double gain, double offset) {
  for (std::uint8_t& sample : pixels.bgr) {
    sample = static_cast<std::uint8_t>(std::clamp(sample * gain + offset, 0.0, 255.0));
  }
  return pixels;
}

}  // namespace winnow::image
