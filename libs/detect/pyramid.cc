#include "libs/detect/pyramid.h"

#include <algorithm>
#include <cmath>

namespace winnow::detect {
namespace {

constexpr std::uint32_t kGranularity = 32;  // the coarsest stride of the networks
constexpr double kCoreSlack = 4;  // network pixels a centre may differ between neighbouring tiles

// One stretch of a side: where it starts and ends, and which part of it is core, picture pixels.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  double core_begin = 0;
  double core_end = 0;
};

std::vector<Span> Cut(std::uint32_t length, double scale, const PyramidOptions& options) {
  const double scaled = length * scale;
  const double step = options.tile_side - options.overlap;
  const auto count = static_cast<std::uint32_t>(
      std::max(1.0, std::ceil((scaled - options.overlap) / step)));
  const double overlap = options.overlap / scale;
  // Equal tiles: the first starts and the last ends at the picture's edge.
  const double tile = (length + (count - 1) * overlap) / count;
  const double slack = overlap / 2 - std::min(overlap / 2, kCoreSlack / scale);
  std::vector<Span> spans;
  for (std::uint32_t i = 0; i < count; ++i) {
    const double begin = i * (tile - overlap);
    const bool first = i == 0;
    const bool last = i + 1 == count;
    spans.push_back({static_cast<std::uint32_t>(begin),
                     last ? length : static_cast<std::uint32_t>(std::ceil(begin + tile)),
                     first ? 0 : begin + slack, last ? length : begin + tile - slack});
  }
  return spans;
}

std::uint32_t Scaled(std::uint32_t length, double scale) {
  return std::max(1U, static_cast<std::uint32_t>(std::lround(length * scale)));
}

std::uint32_t RoundUp(std::uint32_t length) {
  return (length + kGranularity - 1) / kGranularity * kGranularity;
}

Tile MakeTile(const Span& across, const Span& down, double scale) {
  Pass pass{across.begin, down.begin, across.end - across.begin, down.end - down.begin, 0, 0, 0, 0};
  pass.content_width = Scaled(pass.width, scale);
  pass.content_height = Scaled(pass.height, scale);
  pass.input_width = RoundUp(pass.content_width);
  pass.input_height = RoundUp(pass.content_height);
  return {pass,
          {across.core_begin, down.core_begin, across.core_end - across.core_begin,
           down.core_end - down.core_begin}};
}

// The largest scale at which the picture, its shorter side padded, stays within the budget.
double AffordableScale(std::uint32_t width, std::uint32_t height, std::uint64_t max_pixels) {
  const double longer = std::max(width, height);
  const double shorter = std::min(width, height);
  const double scale = std::sqrt(static_cast<double>(max_pixels) / (longer * shorter));
  if (shorter * scale >= kGranularity) return scale;
  return static_cast<double>(max_pixels) / (longer * kGranularity);
}

std::vector<double> Scales(std::uint32_t width, std::uint32_t height,
                           const PyramidOptions& options) {
  const double finest =
      std::min(options.max_scale, AffordableScale(width, height, options.max_level_pixels));
  const double overview = static_cast<double>(options.overview_side) / std::max(width, height);
  // A step of less than a fifth would cost as much as the last level and find next to nothing.
  const double steps =
      overview * 1.2 > finest
          ? 0
          : std::ceil(std::log(finest / overview) / std::log(options.max_step) - 1e-9);
  std::vector<double> scales;
  for (double step = steps; step >= 0; --step) {
    scales.push_back(finest * std::pow(overview / finest, step / std::max(steps, 1.0)));
  }
  return scales;
}

}  // namespace

std::vector<Tile> PlanTiles(std::uint32_t width, std::uint32_t height,
                            const PyramidOptions& options) {
  std::vector<Tile> tiles;
  if (width == 0 || height == 0) return tiles;
  for (const double scale : Scales(width, height, options)) {
    for (const Span& down : Cut(height, scale, options)) {
      for (const Span& across : Cut(width, scale, options)) {
        tiles.push_back(MakeTile(across, down, scale));
      }
    }
  }
  return tiles;
}

record::Box ToPicture(const record::Box& box, const Pass& pass, std::uint32_t width,
                      std::uint32_t height) {
  const double x_scale = static_cast<double>(pass.width) / pass.content_width;
  const double y_scale = static_cast<double>(pass.height) / pass.content_height;
  const double left = std::clamp<double>(pass.x + box.x * x_scale, 0, width);
  const double top = std::clamp<double>(pass.y + box.y * y_scale, 0, height);
  const double right = std::clamp<double>(pass.x + (box.x + box.width) * x_scale, 0, width);
  const double bottom = std::clamp<double>(pass.y + (box.y + box.height) * y_scale, 0, height);
  return {left, top, right - left, bottom - top};
}

}  // namespace winnow::detect
