// Small JPEG previews for reports.
#pragma once

#include <cstdint>
#include <string>

#include "libs/base/result.h"
#include "libs/image/frame.h"

namespace winnow::image {

// `upright` shrunk by area averaging so that no side exceeds `max_side` pixels (never enlarged),
// as a baseline 4:2:0 JPEG of `quality` 1..100 without any metadata. Deterministic; thread-safe.
// Error kInput for an empty picture.
Result<std::string> JpegThumbnail(const Pixels& upright, std::uint32_t max_side, int quality);

}  // namespace winnow::image
