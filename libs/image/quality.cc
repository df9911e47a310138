#include "libs/image/quality.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "libs/image/artefacts.h"
#include "libs/image/sharpness.h"

namespace winnow::image {
namespace {

constexpr double kMaxSamples = 20000;

struct Histograms {
  // Of brightness squared in 16ths of a squared grey level, so that no root is taken per pixel.
  std::array<std::uint32_t, 4096> brightness{};
  std::array<std::uint32_t, 256> luma{};
  std::uint64_t samples = 0;
};

// (0.241 R^2 + 0.691 G^2 + 0.068 B^2) in 16 steps less, 0..4064.
std::uint32_t BrightnessBin(const std::uint8_t* bgr) {
  const std::uint32_t blue = bgr[0], green = bgr[1], red = bgr[2];
  return (987 * red * red + 2830 * green * green + 279 * blue * blue) >> 16;
}

// Inverse of BrightnessBin, at the middle of the bin; 0..1.
double BrightnessOf(std::size_t bin) {
  if (bin == 0) return 0;
  return std::min(1.0, std::sqrt((static_cast<double>(bin) + 0.5) * 16) / 255);
}

Histograms Count(const Pixels& pixels, const Plane& luma) {
  Histograms histograms;
  const double total = static_cast<double>(pixels.width) * pixels.height;
  const auto step = static_cast<std::uint32_t>(std::ceil(std::sqrt(total / kMaxSamples)));
  for (std::uint32_t y = step / 2; y < pixels.height; y += step) {
    const std::uint8_t* bgr = pixels.bgr.data() + std::size_t{y} * pixels.width * 3;
    const std::uint8_t* grey = luma.row(y);
    for (std::uint32_t x = step / 2; x < pixels.width; x += step) {
      ++histograms.brightness[BrightnessBin(bgr + std::size_t{x} * 3)];
      ++histograms.luma[grey[x]];
      ++histograms.samples;
    }
  }
  return histograms;
}

double Percentile(const Histograms& histograms, double share) {
  const double rank = share * static_cast<double>(histograms.samples);
  double below = 0;
  for (std::size_t bin = 0; bin < histograms.brightness.size(); ++bin) {
    below += histograms.brightness[bin];
    if (below >= rank && below > 0) return BrightnessOf(bin);
  }
  return 0;
}

double MeanBrightness(const Histograms& histograms) {
  double sum = 0;
  for (std::size_t bin = 0; bin < histograms.brightness.size(); ++bin) {
    if (histograms.brightness[bin] > 0) sum += histograms.brightness[bin] * BrightnessOf(bin);
  }
  return sum / static_cast<double>(histograms.samples);
}

double Contrast(const Histograms& histograms) {
  double sum = 0;
  double squares = 0;
  for (std::size_t level = 0; level < histograms.luma.size(); ++level) {
    const double weight = histograms.luma[level];
    const double value = static_cast<double>(level) / 255;
    sum += weight * value;
    squares += weight * value * value;
  }
  const double mean = sum / static_cast<double>(histograms.samples);
  return std::sqrt(std::max(0.0, squares / static_cast<double>(histograms.samples) - mean * mean));
}

double EntropyBits(const Histograms& histograms) {
  double bits = 0;
  for (const std::uint32_t count : histograms.luma) {
    if (count == 0) continue;
    const double share = count / static_cast<double>(histograms.samples);
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace

record::Lighting LightingOf(double brightness_mean) {
  if (brightness_mean < 0.22) return record::Lighting::kDark;
  if (brightness_mean < 0.36) return record::Lighting::kDim;
  return brightness_mean < 0.72 ? record::Lighting::kNormal : record::Lighting::kBright;
}

record::Measurements Measure(const Frame& frame) { return Measure(frame, MakeLuma(frame.pixels)); }

record::Measurements Measure(const Frame& frame, const Plane& luma) {
  record::Measurements measured;
  measured.format = frame.format;
  measured.width = frame.pixels.width;
  measured.height = frame.pixels.height;
  measured.orientation = frame.orientation;
  if (luma.data.empty()) return measured;
  const Histograms histograms = Count(frame.pixels, luma);
  measured.brightness_p5 = Percentile(histograms, 0.05);
  measured.brightness_p99 = Percentile(histograms, 0.99);
  measured.brightness_mean = MeanBrightness(histograms);
  measured.contrast = Contrast(histograms);
  measured.entropy_bits = EntropyBits(histograms);
  measured.lighting = LightingOf(measured.brightness_mean);
  measured.sharpness = Sharpness(luma);
  measured.noise_sigma = NoiseSigma(luma);
  measured.blockiness = Blockiness(luma);
  return measured;
}

}  // namespace winnow::image
