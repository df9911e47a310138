#include "tests/pipeline/marker_detector.h"

#include <algorithm>

namespace winnow::pipeline_test {
namespace {

struct Bgr {
  int b, g, r;
};

Bgr At(const image::Pixels& pixels, std::uint32_t x, std::uint32_t y) {
  const std::size_t at = (static_cast<std::size_t>(y) * pixels.width + x) * 3;
  return {pixels.bgr[at], pixels.bgr[at + 1], pixels.bgr[at + 2]};
}

void Fill(image::Pixels& pixels, const record::Box& box, Bgr colour) {
  const auto end_x = std::min<std::uint32_t>(pixels.width, static_cast<std::uint32_t>(box.x + box.width));
  const auto end_y = std::min<std::uint32_t>(pixels.height, static_cast<std::uint32_t>(box.y + box.height));
  for (auto y = static_cast<std::uint32_t>(box.y); y < end_y; ++y) {
    for (auto x = static_cast<std::uint32_t>(box.x); x < end_x; ++x) {
      const std::size_t at = (static_cast<std::size_t>(y) * pixels.width + x) * 3;
      pixels.bgr[at] = static_cast<std::uint8_t>(colour.b);
      pixels.bgr[at + 1] = static_cast<std::uint8_t>(colour.g);
      pixels.bgr[at + 2] = static_cast<std::uint8_t>(colour.r);
    }
  }
}

// Wide margins, since JPEG moves colours.
bool IsMagenta(Bgr p) { return p.b > 190 && p.r > 190 && p.g < 70; }
bool IsStubborn(Bgr p) { return p.g > 190 && p.r < 70 && p.b < 70; }

// The generated pictures have magenta patches of their own; a marker is larger than those.
constexpr std::uint32_t kRun = 45;   // pixels in a row
constexpr std::uint32_t kRows = 40;  // such rows

// The pixels of row `y` that belong to a marker, as [begin, end); empty if begin == end.
struct Run {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

Run FindRun(const image::Pixels& pixels, std::uint32_t y) {
  std::uint32_t begin = 0;
  for (std::uint32_t x = 0; x <= pixels.width; ++x) {
    if (x < pixels.width && IsMagenta(At(pixels, x, y))) continue;
    if (x - begin >= kRun) return {begin, x};
    begin = x + 1;
  }
  return {};
}

bool HasStubbornEdge(const image::Pixels& pixels) {
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    if (!IsStubborn(At(pixels, 2, y))) return false;
  }
  return true;
}

// The box around all marker rows; empty without a marker.
record::Box FindMarker(const image::Pixels& pixels) {
  double left = pixels.width, top = pixels.height, right = 0, bottom = 0;
  std::uint32_t rows = 0;
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    const Run run = FindRun(pixels, y);
    if (run.begin == run.end) continue;
    ++rows;
    left = std::min<double>(left, run.begin);
    top = std::min<double>(top, y);
    right = std::max<double>(right, run.end);
    bottom = y + 1;
  }
  if (rows < kRows) return {};
  return {left, top, right - left, bottom - top};
}

class MarkerDetector : public detect::Detector {
 public:
  Result<std::vector<detect::Detection>> Detect(const image::Pixels& upright, double) override {
    std::vector<detect::Detection> found;
    const record::Box marker = FindMarker(upright);
    if (marker.area() > 0) found.push_back({marker, 0.9});
    if (HasStubbornEdge(upright)) {
      found.push_back({{upright.width * 0.5, upright.height * 0.5, 16, 16}, 0.95});
    }
    return found;
  }
  std::string_view kind() const override { return "face"; }
  const std::string& model_name() const override { return name_; }
  const std::string& model_digest() const override { return digest_; }

 private:
  const std::string name_ = "marker";
  const std::string digest_ = "0000";
};

}  // namespace

std::unique_ptr<detect::Detector> NewMarkerDetector() { return std::make_unique<MarkerDetector>(); }

void PaintMarker(image::Pixels& pixels, const record::Box& box) { Fill(pixels, box, {255, 0, 255}); }

void PaintStubbornMarker(image::Pixels& pixels) {
  Fill(pixels, {0, 0, 16, static_cast<double>(pixels.height)}, {0, 255, 0});
}

bool ShowsMarker(const image::Pixels& pixels) { return FindMarker(pixels).area() > 0; }

}  // namespace winnow::pipeline_test
