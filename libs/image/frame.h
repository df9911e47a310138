// Decoded pixels, without OpenCV in sight.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "libs/record/image_record.h"

namespace winnow::image {

// 8-bit BGR, interleaved, rows packed without padding: size = width * height * 3.
struct Pixels {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> bgr;
};

// An image decoded as stored (EXIF orientation not applied). Attached to a record by the validator
// so that the blurrer of the same process need not decode again.
struct Frame : record::Attachment {
  Pixels pixels;
  record::ImageFormat format = record::ImageFormat::kUnknown;
  int orientation = 1;  // EXIF 1..8
};

// The picture as a viewer shows it.
Pixels Upright(const Pixels& stored, int orientation);

// Maps a box found on the upright picture back to stored pixels. `width`, `height`: stored size.
record::Box ToStored(const record::Box& upright, int orientation, std::uint32_t width,
                     std::uint32_t height);

}  // namespace winnow::image
