#include "libs/image/regions.h"

#include <algorithm>
#include <cmath>

namespace winnow::image {
namespace {

bool IsFinite(const record::Box& box) {
  return std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.x + box.width) &&
         std::isfinite(box.y + box.height);
}

// [from, to) in pixels to [first, last) in units.
void Snap(double from, double to, std::uint32_t length, std::uint32_t unit, std::uint32_t& first,
          std::uint32_t& last) {
  const double low = std::floor(std::clamp(from, 0.0, double{1} * length));
  const double high = std::ceil(std::clamp(to, 0.0, double{1} * length));
  first = static_cast<std::uint32_t>(low) / unit;
  last = low < high ? (static_cast<std::uint32_t>(high) + unit - 1) / unit : first;
}

Region Snapped(const record::Box& box, const Grid& grid) {
  Region region;
  Snap(box.x, box.x + box.width, grid.width, grid.unit_width, region.left, region.right);
  Snap(box.y, box.y + box.height, grid.height, grid.unit_height, region.top, region.bottom);
  return region;
}

std::uint32_t DivideUp(std::uint32_t value, std::uint32_t by) { return (value + by - 1) / by; }

void Cut(const Region& region, std::uint32_t step_x, std::uint32_t step_y,
         std::vector<Region>& cells) {
  for (std::uint32_t y = region.top; y < region.bottom; y += step_y) {
    for (std::uint32_t x = region.left; x < region.right; x += step_x) {
      cells.push_back({x, y, std::min(region.right, x + step_x),
                       std::min(region.bottom, y + step_y)});
    }
  }
}

}  // namespace

Result<std::vector<Region>> MosaicCells(const std::vector<record::Box>& boxes, const Grid& grid,
                                        std::uint32_t cells, std::uint32_t min_cell) {
  std::vector<Region> out;
  for (const record::Box& box : boxes) {
    if (!IsFinite(box)) return InputError("a region to redact is not finite");
    const Region region = Snapped(box, grid);
    if (region.left >= region.right || region.top >= region.bottom) continue;
    const std::uint32_t longer = std::max((region.right - region.left) * grid.unit_width,
                                          (region.bottom - region.top) * grid.unit_height);
    const std::uint32_t side = std::max(min_cell, DivideUp(longer, std::max(1u, cells)));
    Cut(region, DivideUp(side, grid.unit_width), DivideUp(side, grid.unit_height), out);
  }
  return out;
}

}  // namespace winnow::image
