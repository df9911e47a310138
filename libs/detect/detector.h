// Finds regions to hide, behind one interface.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/image/frame.h"
#include "libs/record/image_record.h"

namespace winnow::detect {

struct Detection {
  record::Box box;  // pixels of the picture given
  double score = 0;  // 0..1
};

// Not thread-safe: one per lane. Deterministic: one thread, CPU.
class Detector {
 public:
  virtual ~Detector() = default;

  // Boxes at or above `threshold`, after non-maximum suppression, best first. Searches the scales
  // it needs to find faces from about 10 pixels to the whole picture.
  virtual Result<std::vector<Detection>> Detect(const image::Pixels& upright,
                                                double threshold) = 0;
  virtual std::string_view kind() const = 0;          // "face"
  virtual const std::string& model_name() const = 0;
  virtual const std::string& model_digest() const = 0;  // SHA-256 of the file, hex
};

}  // namespace winnow::detect
