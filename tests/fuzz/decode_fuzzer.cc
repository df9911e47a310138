// Any bytes either decode to a whole picture within the limits or have one reason why not.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libs/base/check.h"
#include "libs/image/decode.h"
#include "tests/fuzz/image_limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using winnow::record::Reason;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const winnow::image::Decoded decoded =
      winnow::image::Decode(bytes, winnow::fuzz::kImageLimits);
  WINNOW_CHECK((decoded.frame == nullptr) == (decoded.fault != Reason::kNone));
  if (decoded.frame == nullptr) return 0;
  const auto& pixels = decoded.frame->pixels;
  WINNOW_CHECK(pixels.width > 0 && pixels.height > 0);
  WINNOW_CHECK(std::uint64_t{pixels.width} * pixels.height <=
               winnow::fuzz::kImageLimits.max_pixels);
  WINNOW_CHECK(pixels.bgr.size() == std::size_t{pixels.width} * pixels.height * 3);
  WINNOW_CHECK(decoded.frame->orientation >= 1 && decoded.frame->orientation <= 8);
  return 0;
}
