// Whatever decodes is either redacted to a file that decodes to the same size (and, without boxes,
// the same pixels) or refused. Input: a count of boxes, four bytes for each, then the file.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libs/base/check.h"
#include "libs/image/decode.h"
#include "libs/image/redact.h"
#include "tests/fuzz/image_limits.h"

namespace {

using winnow::image::Decode;
using winnow::image::Frame;
using winnow::record::Box;

// In sixty-fourths of the sides, from a quarter outside on every side.
Box BoxOf(const std::uint8_t* data, const Frame& frame) {
  const double x = frame.pixels.width / 64.0;
  const double y = frame.pixels.height / 64.0;
  return {(data[0] % 96 - 16) * x, (data[1] % 96 - 16) * y, data[2] % 96 * x, data[3] % 96 * y};
}

void CheckRedacted(const winnow::image::Redacted& redacted, const Frame& before,
                   const std::vector<Box>& boxes) {
  const auto after = Decode(redacted.bytes, {.max_bytes = 64 << 20});
  WINNOW_CHECK(after.frame != nullptr);
  WINNOW_CHECK(after.frame->format == redacted.format);
  WINNOW_CHECK(after.frame->orientation == before.orientation);
  WINNOW_CHECK(after.frame->pixels.width == before.pixels.width);
  WINNOW_CHECK(after.frame->pixels.height == before.pixels.height);
  WINNOW_CHECK(!boxes.empty() || after.frame->pixels.bgr == before.pixels.bgr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxBoxes = 6;
  if (size == 0) return 0;
  const std::size_t count = data[0] % (kMaxBoxes + 1);
  if (size < 1 + count * 4) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1 + count * 4,
                               size - 1 - count * 4);
  const auto decoded = Decode(bytes, winnow::fuzz::kImageLimits);
  if (decoded.frame == nullptr) return 0;
  std::vector<Box> boxes;
  for (std::size_t i = 0; i < count; ++i) boxes.push_back(BoxOf(data + 1 + i * 4, *decoded.frame));
  const auto redacted = winnow::image::Redact(bytes, *decoded.frame, boxes, {});
  if (redacted) CheckRedacted(*redacted, *decoded.frame, boxes);
  return 0;
}
