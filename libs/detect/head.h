// What the outputs of each supported network architecture mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/detect/detector.h"
#include "libs/detect/network.h"

namespace winnow::detect {

struct Head {
  std::string_view architecture;  // as in deploy/models/models.json
  ChannelOrder order = ChannelOrder::kBgr;
  std::vector<std::string> outputs;  // names of the tensors `decode` takes, in this order

  // The boxes at or above `threshold`, in network input pixels, overlaps included. kBug if the
  // tensors do not have the architecture's shapes.
  Result<std::vector<Detection>> (*decode)(const std::vector<Tensor>& tensors, const Pass& pass,
                                           double threshold) = nullptr;
};

// CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point",
// 2019): one cell per 4x4 input pixels with a face centre's probability, log size / 4 and offset.
const Head& CenterFaceHead();

// YuNet, the 2023 export (Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023):
// one anchor per cell at strides 8, 16 and 32.
const Head& YuNetHead();

// Null for an unknown architecture.
const Head* FindHead(std::string_view architecture);

}  // namespace winnow::detect
