// Decoding and redaction of a generated 1920x1080 photograph-like JPEG, each against a yardstick
// measured in the same run; the counter is the ratio of CPU times, below 1 = faster than it.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <jpeglib.h>

#include "libs/image/decode.h"
#include "libs/image/redact.h"
#include "libs/testing/images.h"

namespace winnow::image {
namespace {

std::string Sample(bool progressive) {
  testing::MakeImageOptions options;
  options.width = 1920;
  options.height = 1080;
  options.progressive = progressive;
  options.private_metadata = true;
  return testing::MakeJpeg(options);
}

const std::vector<record::Box> kFaces = {{300, 200, 160, 210}, {900, 300, 80, 100},
                                         {1500, 640, 240, 300}};

// What any program that uses libjpeg-turbo cannot do without.
std::vector<std::uint8_t> BareDecode(const std::string& bytes) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&codec, TRUE);
  codec.out_color_space = JCS_RGB;
  jpeg_start_decompress(&codec);
  const std::size_t row = std::size_t{codec.output_width} * 3;
  std::vector<std::uint8_t> rgb(row * codec.output_height);
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW target = &rgb[codec.output_scanline * row];
    jpeg_read_scanlines(&codec, &target, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return rgb;
}

// The way without DCT-domain work: decode all, (blur: not counted), encode all at quality 90.
void DecodeAndEncode(const std::string& bytes) {
  std::vector<std::uint8_t> rgb = BareDecode(bytes);
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &out, &size);
  codec.image_width = 1920;
  codec.image_height = 1080;
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, 90, TRUE);
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = &rgb[std::size_t{codec.next_scanline} * 1920 * 3];
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  std::free(out);
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Turn by turn, so that both meet the same machine.
template <class Ours, class Yardstick>
void Compare(benchmark::State& state, const Ours& ours, const Yardstick& yardstick) {
  double ours_seconds = 0;
  double yardstick_seconds = 0;
  for (auto _ : state) {
    const double start = CpuSeconds();
    ours();
    const double middle = CpuSeconds();
    yardstick();
    ours_seconds += middle - start;
    yardstick_seconds += CpuSeconds() - middle;
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["ours_ms"] = 1000 * ours_seconds / runs;
  state.counters["yardstick_ms"] = 1000 * yardstick_seconds / runs;
  state.counters["ratio"] = ours_seconds / yardstick_seconds;
}

// Yardstick: bare libjpeg-turbo to RGB.
void BM_DecodeJpeg(benchmark::State& state) {
  const std::string bytes = Sample(state.range(0) != 0);
  Compare(
      state, [&] { benchmark::DoNotOptimize(Decode(bytes, {})); },
      [&] { benchmark::DoNotOptimize(BareDecode(bytes)); });
}
BENCHMARK(BM_DecodeJpeg)->ArgName("progressive")->Arg(0)->Arg(1);

// Yardstick: bare libjpeg-turbo decode and encode at quality 90, without any blurring.
void BM_RedactJpeg(benchmark::State& state) {
  const std::string bytes = Sample(state.range(0) != 0);
  const auto frame = Decode(bytes, {}).frame;
  Compare(
      state, [&] { benchmark::DoNotOptimize(Redact(bytes, *frame, kFaces, {})); },
      [&] { DecodeAndEncode(bytes); });
}
BENCHMARK(BM_RedactJpeg)->ArgName("progressive")->Arg(0)->Arg(1);

// The same yardstick for a picture without faces.
void BM_StripJpeg(benchmark::State& state) {
  const std::string bytes = Sample(false);
  const auto frame = Decode(bytes, {}).frame;
  Compare(
      state, [&] { benchmark::DoNotOptimize(Redact(bytes, *frame, {}, {})); },
      [&] { DecodeAndEncode(bytes); });
}
BENCHMARK(BM_StripJpeg);

// Yardstick: bare libjpeg-turbo decode of a JPEG of the same picture.
void BM_RedactPng(benchmark::State& state) {
  testing::MakeImageOptions options;
  options.width = 1920;
  options.height = 1080;
  const std::string bytes = testing::MakePng(options);
  const std::string jpeg = testing::MakeJpeg(options);
  const auto frame = Decode(bytes, {}).frame;
  Compare(
      state, [&] { benchmark::DoNotOptimize(Redact(bytes, *frame, kFaces, {})); },
      [&] { benchmark::DoNotOptimize(BareDecode(jpeg)); });
}
BENCHMARK(BM_RedactPng)->Iterations(5);

}  // namespace
}  // namespace winnow::image

BENCHMARK_MAIN();
