#include "libs/detect/head.h"

#include <algorithm>
#include <cmath>

namespace winnow::detect {
namespace {

record::Box Around(double centre_x, double centre_y, double width, double height) {
  return {centre_x - width / 2, centre_y - height / 2, width, height};
}

std::size_t Count(const Tensor& tensor) {
  std::size_t count = 1;
  for (const int extent : tensor.shape) count *= static_cast<std::size_t>(extent);
  return count;
}

// True if each tensor has `cells` times its share of values; what the shape calls them is moot.
bool HaveCells(const Tensor* tensors, std::initializer_list<std::size_t> values_per_cell,
               std::size_t cells) {
  return std::all_of(values_per_cell.begin(), values_per_cell.end(), [&](std::size_t values) {
    return Count(*tensors++) == cells * values;
  });
}

Error Mismatch(std::string_view architecture) {
  return BugError("the outputs of the model do not have the shapes of " +
                  std::string(architecture));
}

// A broken or hostile model could give any float; no box may be larger than this or unordered.
bool Usable(const Detection& detection) {
  constexpr double kLimit = 1e6;
  const record::Box& box = detection.box;
  return std::abs(box.x) < kLimit && std::abs(box.y) < kLimit && box.width > 0 &&
         box.width < kLimit && box.height > 0 && box.height < kLimit;
}

Result<std::vector<Detection>> DecodeCenterFace(const std::vector<Tensor>& tensors,
                                                const Pass& pass, double threshold) {
  constexpr std::size_t kStride = 4;
  const std::size_t columns = pass.input_width / kStride;
  const std::size_t cells = columns * (pass.input_height / kStride);
  if (tensors.size() != 3 || !HaveCells(tensors.data(), {1, 2, 2}, cells)) {
    return Mismatch("centerface");
  }
  const float* probability = tensors[0].values;
  const float* log_size = tensors[1].values;  // plane of heights, plane of widths
  const float* offset = tensors[2].values;    // plane of y, plane of x
  std::vector<Detection> found;
  for (std::size_t i = 0; i < cells; ++i) {
    if (!(probability[i] >= threshold)) continue;
    const double x = (static_cast<double>(i % columns) + 0.5 + offset[cells + i]) * kStride;
    const double y = (static_cast<double>(i / columns) + 0.5 + offset[i]) * kStride;
    const Detection detection{Around(x, y, std::exp(log_size[cells + i]) * kStride,
                                     std::exp(log_size[i]) * kStride),
                              probability[i]};
    if (Usable(detection)) found.push_back(detection);
  }
  return found;
}

// Appends the boxes of one stride. `tensors`: class, object, box.
void DecodeYuNetStride(const Tensor* tensors, std::size_t stride, std::size_t columns,
                       std::size_t cells, double threshold, std::vector<Detection>& found) {
  for (std::size_t i = 0; i < cells; ++i) {
    const double score = std::sqrt(std::clamp(tensors[0].values[i], 0.F, 1.F) *
                                   std::clamp(tensors[1].values[i], 0.F, 1.F));
    if (!(score >= threshold)) continue;
    const float* box = tensors[2].values + i * 4;
    const auto size = static_cast<double>(stride);
    const Detection detection{Around((static_cast<double>(i % columns) + box[0]) * size,
                                     (static_cast<double>(i / columns) + box[1]) * size,
                                     std::exp(box[2]) * size, std::exp(box[3]) * size),
                              score};
    if (Usable(detection)) found.push_back(detection);
  }
}

Result<std::vector<Detection>> DecodeYuNet(const std::vector<Tensor>& tensors, const Pass& pass,
                                           double threshold) {
  constexpr std::size_t kStrides[] = {8, 16, 32};
  if (tensors.size() != 9) return Mismatch("yunet");
  std::vector<Detection> found;
  const Tensor* at = tensors.data();
  for (const std::size_t stride : kStrides) {
    const std::size_t columns = pass.input_width / stride;
    const std::size_t cells = columns * (pass.input_height / stride);
    if (!HaveCells(at, {1, 1, 4}, cells)) return Mismatch("yunet");
    DecodeYuNetStride(at, stride, columns, cells, threshold, found);
    at += 3;
  }
  return found;
}

}  // namespace

const Head& CenterFaceHead() {
  // 540, the landmarks, is not asked for: OpenCV then skips the layers that make it.
  static const Head head{"centerface", ChannelOrder::kRgb, {"537", "538", "539"}, DecodeCenterFace};
  return head;
}

const Head& YuNetHead() {
  static const Head head{"yunet",
                         ChannelOrder::kBgr,
                         {"cls_8", "obj_8", "bbox_8", "cls_16", "obj_16", "bbox_16", "cls_32",
                          "obj_32", "bbox_32"},
                         DecodeYuNet};
  return head;
}

const Head* FindHead(std::string_view architecture) {
  for (const Head* head : {&CenterFaceHead(), &YuNetHead()}) {
    if (head->architecture == architecture) return head;
  }
  return nullptr;
}

}  // namespace winnow::detect
