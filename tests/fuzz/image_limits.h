// Small limits keep a fuzzer fast; what it looks for does not need size.
#pragma once

#include "libs/image/decode.h"

namespace winnow::fuzz {

inline constexpr image::DecodeLimits kImageLimits = {
    .max_bytes = 1 << 20, .max_pixels = 1 << 20, .max_seconds = 5};

}  // namespace winnow::fuzz
