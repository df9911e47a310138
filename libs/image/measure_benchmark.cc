// Cost of each measure on generated pictures, without decoding. The cost against a decode of the
// same files: services/validator/validator_benchmark.cc.
#include <benchmark/benchmark.h>

#include "libs/image/artefacts.h"
#include "libs/image/fingerprint.h"
#include "libs/image/quality.h"
#include "libs/image/sharpness.h"
#include "libs/image/test_pictures.h"

namespace winnow::image {
namespace {

Frame FrameOf(const benchmark::State& state) {
  Frame frame;
  const auto width = static_cast<std::uint32_t>(state.range(0));
  frame.pixels = TestPicture(1, width, width * 3 / 4);
  return frame;
}

void MakeLuma(benchmark::State& state) {
  const Frame frame = FrameOf(state);
  for (auto _ : state) benchmark::DoNotOptimize(image::MakeLuma(frame.pixels));
}

void Measure(benchmark::State& state) {
  const Frame frame = FrameOf(state);
  const Plane luma = image::MakeLuma(frame.pixels);
  for (auto _ : state) benchmark::DoNotOptimize(image::Measure(frame, luma));
}

void Fingerprint(benchmark::State& state, Turns turns) {
  const Frame frame = FrameOf(state);
  for (auto _ : state) benchmark::DoNotOptimize(ComputeFingerprint(frame, turns));
}

template <class Function>
void OnLuma(benchmark::State& state, Function function) {
  const Plane luma = image::MakeLuma(FrameOf(state).pixels);
  for (auto _ : state) benchmark::DoNotOptimize(function(luma));
}

BENCHMARK(MakeLuma)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK(Measure)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK_CAPTURE(OnLuma, Sharpness, Sharpness)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK_CAPTURE(OnLuma, NoiseSigma, NoiseSigma)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK_CAPTURE(OnLuma, Blockiness, Blockiness)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK_CAPTURE(Fingerprint, Upright, Turns::kNone)->Arg(348)->Arg(1280)->Arg(4000);
BENCHMARK_CAPTURE(Fingerprint, InEveryTurn, Turns::kAll)->Arg(348)->Arg(1280)->Arg(4000);

}  // namespace
}  // namespace winnow::image

BENCHMARK_MAIN();
