// One neural network on one CPU thread, without OpenCV in sight.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/image/frame.h"

namespace winnow::detect {

// Which part of a picture goes into the network, and how large. The part is scaled to fill
// content_width x content_height at the top left of the input; the rest is black.
struct Pass {
  std::uint32_t x = 0;  // part of the picture, in its pixels, within its bounds
  std::uint32_t y = 0;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t content_width = 0;  // network input pixels
  std::uint32_t content_height = 0;
  std::uint32_t input_width = 0;    // at least the content; a multiple of 32
  std::uint32_t input_height = 0;
  friend bool operator==(const Pass&, const Pass&) = default;
};

enum class ChannelOrder { kBgr, kRgb };

// One output of the network: `values` has the product of `shape` floats, row-major.
struct Tensor {
  const float* values = nullptr;
  std::vector<int> shape;
};

// Not thread-safe: one per lane. Deterministic on one kind of CPU: OpenCV's own CPU backend, one
// thread (set for the whole process, since lanes are what runs in parallel here).
class Network {
 public:
  // `onnx` is the contents of the file. kConfig if OpenCV cannot load it.
  static Result<std::unique_ptr<Network>> Load(std::string_view onnx);
  ~Network();

  // Values 0..255. The tensors stay valid until the next Run. kBug if the network fails.
  Result<std::vector<Tensor>> Run(const image::Pixels& picture, const Pass& pass,
                                  ChannelOrder order, const std::vector<std::string>& outputs);

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace winnow::detect
