// What the validator costs on top of a bare libjpeg-turbo decode of the same files, in one run.
// Folder: $WINNOW_SHARED_DATA if set, else generated pictures.
#include <benchmark/benchmark.h>
#include <cstdio>  // jpeglib.h needs FILE
#include <jpeglib.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <opencv2/core/utility.hpp>
#include <string>
#include <vector>

#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"
#include "libs/image/luma.h"
#include "libs/image/quality.h"
#include "libs/testing/images.h"
#include "libs/testing/stage_driver.h"
#include "services/validator/validator.h"

namespace winnow::validator {
namespace {

struct Files {
  std::string name;
  std::vector<std::string> bytes;
};

Files Generated(std::uint32_t width, std::uint32_t height) {
  Files files{"generated_" + std::to_string(width) + "x" + std::to_string(height), {}};
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    testing::MakeImageOptions options;
    options.width = width;
    options.height = height;
    options.seed = seed;
    files.bytes.push_back(testing::MakeJpeg(options));
  }
  return files;
}

// The first 60 baseline-or-progressive JPEG files of a set that decode.
Files Real(const std::filesystem::path& set) {
  Files files{set.filename().string(), {}};
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(set)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const bool decodes = image::SniffFormat(bytes) == record::ImageFormat::kJpeg &&
                         image::Decode(bytes, {}).frame != nullptr;
    if (decodes) files.bytes.push_back(std::move(bytes));
    if (files.bytes.size() == 60) break;
  }
  return files;
}

void BareDecode(const std::string& bytes) {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.jpeg_color_space != JCS_CMYK && jpeg.jpeg_color_space != JCS_YCCK) {
    jpeg.out_color_space = JCS_EXT_BGR;
  }
  jpeg_start_decompress(&jpeg);
  const std::size_t stride = std::size_t{jpeg.output_width} * jpeg.output_components;
  std::vector<std::uint8_t> pixels(stride * jpeg.output_height);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels.data() + stride * jpeg.output_scanline;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  benchmark::DoNotOptimize(pixels.data());
}

void DecodeMeasureFingerprint(const std::string& bytes) {
  const image::Decoded decoded = image::Decode(bytes, {});
  const image::Plane luma = image::MakeLuma(decoded.frame->pixels);
  benchmark::DoNotOptimize(image::Measure(*decoded.frame, luma));
  benchmark::DoNotOptimize(image::ComputeFingerprint(*decoded.frame));
}

// CPU time: on a busy machine the wall clock mostly tells who was scheduled.
double Seconds(const std::vector<std::string>& files, void (*work)(const std::string&)) {
  const std::clock_t start = std::clock();
  for (const std::string& bytes : files) work(bytes);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Alternates the two, so that whatever slows one slows the other.
void CostOverBareDecode(benchmark::State& state, const Files& files) {
  double bare = 0;
  double ours = 0;
  for (auto _ : state) {
    bare += Seconds(files.bytes, BareDecode);
    ours += Seconds(files.bytes, DecodeMeasureFingerprint);
  }
  const auto images = static_cast<double>(state.iterations() * files.bytes.size());
  state.counters["bare_ms"] = bare * 1000 / images;
  state.counters["ours_ms"] = ours * 1000 / images;
  state.counters["ratio"] = ours / bare;
}

void ProcessRecord(benchmark::State& state, const Files& files) {
  const std::unique_ptr<stream::Processor> validator = NewValidator({});
  const testing::MapState no_state;
  std::vector<record::ImageRecord> records(files.bytes.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].payload = record::RawPayload{{SharedBytes(files.bytes[i]), "", {}}};
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(validator->Process(records[next], no_state, Timestamp()));
    next = (next + 1) % records.size();
  }
  state.SetItemsProcessed(state.iterations());
}

void Register(const Files& files) {
  if (files.bytes.empty()) return;
  benchmark::RegisterBenchmark(("CostOverBareDecode/" + files.name).c_str(),
                               [files](benchmark::State& state) {
                                 CostOverBareDecode(state, files);
                               });
  benchmark::RegisterBenchmark(("ProcessRecord/" + files.name).c_str(),
                               [files](benchmark::State& state) { ProcessRecord(state, files); });
}

}  // namespace
}  // namespace winnow::validator

int main(int argc, char** argv) {
  using namespace winnow::validator;  // NOLINT(google-build-using-namespace)
  cv::setNumThreads(1);
  Register(Generated(348, 348));
  Register(Generated(1280, 960));
  if (const char* folder = std::getenv("WINNOW_SHARED_DATA")) {
    for (const char* set : {"E-grocery", "C-pdq", "D-exif-samples"}) {
      const std::filesystem::path path = std::filesystem::path(folder) / set;
      if (std::filesystem::is_directory(path)) Register(Real(path));
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
