#include "libs/image/frame.h"

#include <algorithm>
#include <cstddef>

namespace winnow::image {
namespace {

// upright(x, y) = stored(start + x * step_x + y * step_y), in pixels.
struct Walk {
  std::ptrdiff_t start;
  std::ptrdiff_t step_x;
  std::ptrdiff_t step_y;
};

Walk WalkOf(int orientation, std::ptrdiff_t width, std::ptrdiff_t height) {
  const std::ptrdiff_t last_row = (height - 1) * width;
  switch (orientation) {
    case 2: return {width - 1, -1, width};
    case 3: return {last_row + width - 1, -1, -width};
    case 4: return {last_row, 1, -width};
    case 5: return {0, width, 1};
    case 6: return {last_row, -width, 1};
    case 7: return {last_row + width - 1, -width, -1};
    case 8: return {width - 1, width, -1};
    default: return {0, 1, width};
  }
}

bool SwapsSides(int orientation) { return orientation >= 5 && orientation <= 8; }

// Tiles keep both sides of a rotation in the cache.
constexpr std::uint32_t kTile = 32;

void CopyTile(const Pixels& stored, const Walk& walk, std::uint32_t left, std::uint32_t top,
              Pixels& out) {
  const std::uint32_t right = std::min(out.width, left + kTile);
  const std::uint32_t bottom = std::min(out.height, top + kTile);
  for (std::uint32_t y = top; y < bottom; ++y) {
    std::uint8_t* to = &out.bgr[(std::size_t{y} * out.width + left) * 3];
    const std::uint8_t* from =
        stored.bgr.data() + 3 * (walk.start + left * walk.step_x + y * walk.step_y);
    for (std::uint32_t x = left; x < right; ++x, to += 3, from += 3 * walk.step_x) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
}

}  // namespace

Pixels Upright(const Pixels& stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  Pixels out;
  out.width = SwapsSides(orientation) ? stored.height : stored.width;
  out.height = SwapsSides(orientation) ? stored.width : stored.height;
  out.bgr.resize(stored.bgr.size());
  const Walk walk = WalkOf(orientation, stored.width, stored.height);
  for (std::uint32_t top = 0; top < out.height; top += kTile) {
    for (std::uint32_t left = 0; left < out.width; left += kTile) {
      CopyTile(stored, walk, left, top, out);
    }
  }
  return out;
}

record::Box ToStored(const record::Box& upright, int orientation, std::uint32_t width,
                     std::uint32_t height) {
  const auto [x, y, w, h] = upright;
  switch (orientation) {
    case 2: return {width - x - w, y, w, h};
    case 3: return {width - x - w, height - y - h, w, h};
    case 4: return {x, height - y - h, w, h};
    case 5: return {y, x, h, w};
    case 6: return {y, height - x - w, h, w};
    case 7: return {width - y - h, height - x - w, h, w};
    case 8: return {width - y - h, x, h, w};
    default: return upright;
  }
}

}  // namespace winnow::image
