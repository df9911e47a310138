// What Detect costs beyond the network itself. Needs WINNOW_MODEL_DIR.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "libs/detect/drawn_face.h"
#include "libs/detect/model.h"
#include "libs/detect/multi_scale_detector.h"

namespace winnow::detect {
namespace {

std::string ModelDirectory() {
  const char* directory = std::getenv("WINNOW_MODEL_DIR");
  return directory == nullptr ? "" : directory;
}

image::Pixels Scene(std::int64_t width, std::int64_t height) {
  image::Pixels picture{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), {}};
  picture.bgr.assign(static_cast<std::size_t>(3 * width * height), 120);
  const auto size = static_cast<double>(height) / 3;
  DrawFace(picture, static_cast<double>(width) / 2, static_cast<double>(height) / 2, size);
  return picture;
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({416, 312})->Args({640, 480})->Args({1280, 720})->Args({1920, 1080})
      ->Args({4000, 3000})->Unit(benchmark::kMillisecond);
}

void Detect(benchmark::State& state) {
  auto detector = LoadDetector("centerface", ModelDirectory());
  if (!detector) return state.SkipWithError(detector.error().message.c_str());
  const image::Pixels picture = Scene(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize((*detector)->Detect(picture, 0.2));
}
BENCHMARK(Detect)->Apply(Sizes);

// The same tiles, nothing but the forward passes.
void BareForward(benchmark::State& state) {
  std::ifstream file(ModelDirectory() + "/centerface.onnx", std::ios::binary);
  const std::string onnx((std::istreambuf_iterator<char>(file)), {});
  auto network = Network::Load(onnx);
  if (!network) return state.SkipWithError(network.error().message.c_str());
  const Head& head = CenterFaceHead();
  const auto tiles = PlanTiles(static_cast<std::uint32_t>(state.range(0)),
                               static_cast<std::uint32_t>(state.range(1)), PyramidOptions());
  double pixels = 0;
  for (auto _ : state) {
    for (const Tile& tile : tiles) {
      state.PauseTiming();
      const auto& in = tile.pass;
      const Pass whole{0, 0, in.input_width, in.input_height, in.input_width, in.input_height,
                       in.input_width, in.input_height};
      const image::Pixels picture = Scene(in.input_width, in.input_height);
      pixels += static_cast<double>(in.input_width) * in.input_height;
      state.ResumeTiming();
      benchmark::DoNotOptimize((*network)->Run(picture, whole, head.order, head.outputs));
    }
  }
  state.counters["megapixels"] =
      benchmark::Counter(pixels / 1e6, benchmark::Counter::kAvgIterations);
}
BENCHMARK(BareForward)->Apply(Sizes);

}  // namespace
}  // namespace winnow::detect

BENCHMARK_MAIN();
