// Which parts of a picture to look at, and how large, so that small and large faces are both the
// size a network knows, at a bounded cost.
#pragma once

#include <cstdint>
#include <vector>

#include "libs/detect/detector.h"
#include "libs/detect/network.h"

namespace winnow::detect {

// Lengths in network input pixels. The picture is searched at several levels: from its longer side
// at `overview_side` up to `max_scale` times its own size, or as far as a level stays within
// `max_level_pixels`, in equal steps of at most `max_step`. A level larger than a tile is cut into
// overlapping tiles. A picture that is small enough for one level is searched at the finest only.
struct PyramidOptions {
  std::uint32_t overview_side = 640;
  std::uint32_t tile_side = 832;        // bounds the network's memory; a multiple of 32
  std::uint32_t overlap = 96;           // of tiles; larger faces on a seam: a coarser level
  double max_scale = 2.0;
  double max_step = 3.0;
  std::uint64_t max_level_pixels = 2'000'000;
};

struct Tile {
  Pass pass;
  // Picture pixels. A box belongs to the tile whose core its centre is in; the core of a tile ends
  // within its overlap, or at the picture's edge.
  record::Box core;
};

// The tiles of all levels, coarse to fine. Covers every pixel of the picture on every level.
// Empty for a picture without pixels.
std::vector<Tile> PlanTiles(std::uint32_t width, std::uint32_t height,
                            const PyramidOptions& options);

// Maps a box from network input pixels to picture pixels and clips it to the picture.
record::Box ToPicture(const record::Box& box, const Pass& pass, std::uint32_t width,
                      std::uint32_t height);

}  // namespace winnow::detect
