#include "libs/detect/network.h"

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "libs/base/check.h"

namespace winnow::detect {
namespace {

// Borrows the pixels: OpenCV has no read-only Mat, and nothing here writes to it.
cv::Mat View(const image::Pixels& picture) {
  auto* bgr = const_cast<std::uint8_t*>(picture.bgr.data());  // NOLINT
  return cv::Mat(static_cast<int>(picture.height), static_cast<int>(picture.width), CV_8UC3, bgr);
}

cv::Rect Rect(std::uint32_t x, std::uint32_t y, std::uint32_t width, std::uint32_t height) {
  return {static_cast<int>(x), static_cast<int>(y), static_cast<int>(width),
          static_cast<int>(height)};
}

cv::Mat InputFor(const image::Pixels& picture, const Pass& pass) {
  const cv::Mat part = View(picture)(Rect(pass.x, pass.y, pass.width, pass.height));
  cv::Mat input(static_cast<int>(pass.input_height), static_cast<int>(pass.input_width), CV_8UC3,
                cv::Scalar::all(0));
  cv::Mat content = input(Rect(0, 0, pass.content_width, pass.content_height));
  const bool shrinks = pass.content_width < pass.width;
  cv::resize(part, content, content.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return input;
}

Tensor Describe(const cv::Mat& blob) {
  return {blob.ptr<float>(), std::vector<int>(blob.size.p, blob.size.p + blob.dims)};
}

}  // namespace

struct Network::State {
  cv::dnn::Net net;
  std::vector<cv::Mat> outputs;
};

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::~Network() = default;

Result<std::unique_ptr<Network>> Network::Load(std::string_view onnx) {
  try {
    cv::setNumThreads(1);
    auto state = std::make_unique<State>();
    state->net = cv::dnn::readNetFromONNX(onnx.data(), onnx.size());
    if (state->net.empty()) return ConfigError("the model file holds no network");
    // OpenCV 4.6 fuses batch normalisation into a deconvolution again whenever the input changes
    // its size, which multiplies the weights each time. Unfused, CenterFace costs no more.
    state->net.enableFusion(false);
    state->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    state->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    return std::unique_ptr<Network>(new Network(std::move(state)));
  } catch (const std::exception& error) {
    return ConfigError(std::string("OpenCV cannot load the model: ") + error.what());
  }
}

Result<std::vector<Tensor>> Network::Run(const image::Pixels& picture, const Pass& pass,
                                         ChannelOrder order,
                                         const std::vector<std::string>& outputs) {
  WINNOW_CHECK(picture.bgr.size() == std::size_t{3} * picture.width * picture.height);
  try {
    const cv::Mat blob =
        cv::dnn::blobFromImage(InputFor(picture, pass), 1.0, cv::Size(), cv::Scalar(),
                               order == ChannelOrder::kRgb, false, CV_32F);
    state_->net.setInput(blob);
    state_->net.forward(state_->outputs, outputs);
    std::vector<Tensor> tensors;
    for (const cv::Mat& output : state_->outputs) tensors.push_back(Describe(output));
    return tensors;
  } catch (const std::exception& error) {
    return BugError(std::string("the face detector failed: ") + error.what());
  }
}

}  // namespace winnow::detect
