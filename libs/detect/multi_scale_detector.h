// A network made into a Detector: the picture at several scales, one list of boxes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/detect/detector.h"
#include "libs/detect/head.h"
#include "libs/detect/network.h"
#include "libs/detect/pyramid.h"

namespace winnow::detect {

// Who the detector is, as recorded with every verdict.
struct Identity {
  std::string kind;
  std::string model_name;
  std::string model_digest;
};

// Cost and memory are bounded by the pyramid's options, whatever the picture: see README.md.
class MultiScaleDetector : public Detector {
 public:
  // `head` outlives the detector.
  MultiScaleDetector(Identity identity, const Head& head, std::unique_ptr<Network> network,
                     PyramidOptions options);

  Result<std::vector<Detection>> Detect(const image::Pixels& upright, double threshold) override;
  std::string_view kind() const override { return identity_.kind; }
  const std::string& model_name() const override { return identity_.model_name; }
  const std::string& model_digest() const override { return identity_.model_digest; }

 private:
  Status DetectInTile(const image::Pixels& upright, const Tile& tile, double threshold,
                      std::vector<Detection>& found);

  Identity identity_;
  const Head& head_;
  std::unique_ptr<Network> network_;
  PyramidOptions options_;
};

}  // namespace winnow::detect
