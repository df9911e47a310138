// Boxes to grid cells. Private to the room.
#pragma once

#include <cstdint>
#include <vector>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// The grid a picture is redacted on: its smallest unit, in pixels, and its size in units.
struct Grid {
  std::uint32_t unit_width = 1;
  std::uint32_t unit_height = 1;
  std::uint32_t width = 0;  // picture, pixels
  std::uint32_t height = 0;
};

// Half-open, in units of the grid; never empty, never outside.
struct Region {
  std::uint32_t left = 0;
  std::uint32_t top = 0;
  std::uint32_t right = 0;
  std::uint32_t bottom = 0;
};

// Every unit that a box touches, cut into mosaic cells, box after box. Cells of different boxes
// overlap where the boxes do; averaging them one after the other only loses more. `min_cell`:
// pixels. Error kInput for a box with a coordinate that is not finite.
Result<std::vector<Region>> MosaicCells(const std::vector<record::Box>& boxes, const Grid& grid,
                                        std::uint32_t cells, std::uint32_t min_cell);

}  // namespace winnow::image
