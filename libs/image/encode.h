// Pixels to files, for pictures that Winnow makes itself: previews and test material. What came in
// as a file is redacted as a file (redact.h).
#pragma once

#include <string>

#include "libs/base/result.h"
#include "libs/image/frame.h"

namespace winnow::image {

// Complete files without metadata. Deterministic; thread-safe. Error kInput for an empty picture or
// one the format cannot hold (JPEG 65,500 pixels a side, WebP 16,383).

// Baseline, 4:2:0. `quality`: 1..100, as libjpeg counts.
Result<std::string> EncodeJpeg(const Pixels& pixels, int quality);

// Lossless.
Result<std::string> EncodePng(const Pixels& pixels);

// Lossy. `quality`: 0..100, as libwebp counts.
Result<std::string> EncodeWebp(const Pixels& pixels, int quality);

}  // namespace winnow::image
