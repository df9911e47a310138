// A detector for pipeline tests: "faces" are painted magenta rectangles.
#pragma once

#include <memory>
#include <string>

#include "libs/detect/detector.h"

namespace winnow::pipeline_test {

// Finds the bounding box of all magenta pixels, until they are destroyed. See also
// PaintStubbornMarker.
std::unique_ptr<detect::Detector> NewMarkerDetector();

// Paints one.
void PaintMarker(image::Pixels& pixels, const record::Box& box);

// Whether any is to be seen.
bool ShowsMarker(const image::Pixels& pixels);

// A green left edge, which redaction does not reach: as long as it is there the detector sees a
// face in the middle of the picture, redacted or not.
void PaintStubbornMarker(image::Pixels& pixels);

}  // namespace winnow::pipeline_test
