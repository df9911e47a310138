// Quality measures of a decoded picture.
#pragma once

#include "libs/image/frame.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// Fills every field of Measurements from the pixels. Deterministic; thread-safe.
record::Measurements Measure(const Frame& frame);

}  // namespace winnow::image
