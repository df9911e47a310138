// Non-maximum suppression: of boxes that mean the same face, keep the best.
#pragma once

#include <vector>

#include "libs/detect/detector.h"

namespace winnow::detect {

// Area of the intersection / area of the union; 0 for boxes without area.
double IntersectionOverUnion(const record::Box& a, const record::Box& b);

// Greedy: best score first, a box whose intersection over union with one kept exceeds
// `max_overlap` goes. The result is sorted best first, ties by position, so that it does not
// depend on the order of the input. O(kept * given).
std::vector<Detection> Suppress(std::vector<Detection> detections, double max_overlap);

}  // namespace winnow::detect
