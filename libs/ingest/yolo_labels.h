// YOLO label files: one line per object, normalised to the picture as a viewer shows it. Private to
// the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/labels.h"

namespace winnow::ingest {

// What the numbers in the label files mean, from the folder's class file.
struct YoloClasses {
  std::vector<std::string> names;  // by class index
  // data.yaml `kpt_shape: [count, 2 or 3]`: lines are boxes followed by that many keypoints.
  int keypoints = 0;
  int keypoint_values = 0;
};

// One class name per line ("classes.txt", "obj.names"). Blank lines at the end do not count.
YoloClasses ParseClassList(std::string_view text);

// The keys `names` (list, or map from index to name) and `kpt_shape` of an Ultralytics "data.yaml";
// other keys are ignored. Error kInput with the line. Never throws.
Result<YoloClasses> ParseDataYaml(const std::string& text);

// Lines of
//   class cx cy w h                     a box
//   class x0 y0 x1 y1 x2 y2 ...         a polygon of at least three corners
//   class cx cy w h then keypoints      if `classes` says so
// Pixels of an upright picture of `size`; regions that stick out by less than a pixel, as rounding
// makes them, are clipped. An empty file is an image without objects. Error kInput with the line
// number. Thread-safe.
Result<std::vector<record::Annotation>> ParseYoloLabels(std::string_view text,
                                                        const YoloClasses& classes,
                                                        UprightSize size);

}  // namespace winnow::ingest
