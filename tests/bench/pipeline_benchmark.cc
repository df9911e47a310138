// The whole pipeline against the sum of the parts nobody can avoid, on one lane, in one run:
// reading, decoding, measuring, fingerprinting, finding faces, rewriting the file, and writing the
// shard. What is left of the time is the pipeline's own: queues, records, state, commits.
//
//   pipeline_benchmark [PICTURES] [WIDTH HEIGHT]
//
// With WINNOW_MODEL_DIR set, faces are looked for with the real detector; without, not at all.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "libs/base/check.h"
#include "libs/base/digest.h"
#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"
#include "libs/detect/model.h"
#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"
#include "libs/image/quality.h"
#include "libs/image/redact.h"
#include "libs/ingest/folder_source.h"
#include "libs/local/local_runner.h"
#include "libs/state/rocksdb_store.h"
#include "libs/testing/images.h"
#include "services/winnow/wiring.h"

namespace {

namespace fs = std::filesystem;
using winnow::image::Frame;

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

winnow::spec::CollectionSpec Spec(bool faces) {
  winnow::spec::CollectionSpec spec;
  spec.collection = winnow::CollectionId("bench");
  spec.digest = "bench";
  spec.privacy.faces = faces;
  return spec;
}

struct Parts {
  double read = 0, digest = 0, decode = 0, measure = 0, detect = 0, redact = 0, write = 0;
  double sum() const { return read + digest + decode + measure + detect + redact + write; }
};

Parts MeasureParts(const std::vector<fs::path>& files, winnow::detect::Detector* detector,
                   const winnow::spec::CollectionSpec& spec, const fs::path& scratch) {
  Parts parts;
  std::ofstream shard(scratch / "parts.tar", std::ios::binary);
  for (const fs::path& path : files) {
    std::string bytes;
    parts.read += Seconds([&] { bytes = ReadFile(path); });
    parts.digest += Seconds([&] { winnow::Sha256(bytes); });
    winnow::image::Decoded decoded;
    parts.decode += Seconds([&] { decoded = winnow::image::Decode(bytes, {}); });
    WINNOW_CHECK(decoded.frame != nullptr);
    const Frame& frame = *decoded.frame;
    parts.measure += Seconds([&] {
      winnow::image::Measure(frame);
      winnow::image::ComputeFingerprint(frame);
    });
    std::vector<winnow::record::Box> boxes;
    if (detector != nullptr) {
      parts.detect += Seconds([&] {
        const auto found = detector->Detect(frame.pixels, spec.privacy.face_threshold);
        WINNOW_CHECK(found.has_value());
        for (const auto& detection : *found) boxes.push_back(detection.box);
      });
    }
    std::string redacted;
    parts.redact += Seconds([&] {
      auto result = winnow::image::Redact(bytes, frame, boxes, {});
      WINNOW_CHECK(result.has_value());
      redacted = std::move(result->bytes);
    });
    parts.write += Seconds([&] { shard << redacted; });
  }
  parts.write += Seconds([&] { shard.flush(); });
  return parts;
}

double MeasurePipeline(const fs::path& input, const fs::path& output,
                       const winnow::spec::CollectionSpec& spec, const std::string& models) {
  const auto stages = winnow::cli::PlanStages(spec, models);
  WINNOW_CHECK(stages.has_value());
  const auto source =
      winnow::ingest::OpenFolder(winnow::cli::FolderOptionsFor(spec, input.string()));
  WINNOW_CHECK(source.has_value());
  const auto store = winnow::state::OpenRocksDb(
      {.directory = (output / "state").string(),
       .families = winnow::local::StateFamilies(*stages)});
  WINNOW_CHECK(store.has_value());
  const auto shards = winnow::dataset::NewShardOutput(
      {.directory = (output / "dataset").string(), .collection = spec.collection},
      winnow::dataset::PosixFiles());
  WINNOW_CHECK(shards.has_value());
  return Seconds([&] {
    const auto result = winnow::local::RunLocally(
        {source->get(), *stages, shards->get(), store->get()}, {.lanes = 1});
    WINNOW_CHECK(result.has_value());
    WINNOW_CHECK(result->processed > 0);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200;
  const auto width = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[2]) : 1280);
  const auto height = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 960);
  const char* const models = std::getenv("WINNOW_MODEL_DIR");
  const winnow::spec::CollectionSpec spec = Spec(models != nullptr);

  const fs::path scratch =
      fs::temp_directory_path() / fmt::format("winnow-bench-{}", static_cast<long>(getpid()));
  const fs::path input = scratch / "input";
  fs::create_directories(input);
  fs::create_directories(scratch / "output");
  std::vector<fs::path> files;
  for (int i = 0; i < count; ++i) {
    files.push_back(input / fmt::format("{:05}.jpg", i));
    std::ofstream(files.back(), std::ios::binary) << winnow::testing::MakeJpeg(
        {.width = width, .height = height, .seed = static_cast<std::uint32_t>(i + 1)});
  }

  std::unique_ptr<winnow::detect::Detector> detector;
  if (models != nullptr) {
    auto loaded = winnow::detect::LoadDetector(spec.privacy.face_model, models);
    WINNOW_CHECK(loaded.has_value());
    detector = std::move(*loaded);
  }
  const Parts parts = MeasureParts(files, detector.get(), spec, scratch);
  const double whole = MeasurePipeline(input, scratch / "output", spec, models ? models : "");
  fs::remove_all(scratch);

  const double per_image = 1000.0 / count;
  fmt::print("{} pictures of {}x{}, one lane, faces {}; milliseconds an image\n", count, width,
             height, models != nullptr ? "looked for" : "not looked for");
  fmt::print(
      "  read {:.2f}  digest {:.2f}  decode {:.2f}  measure {:.2f}  detect {:.2f}  redact {:.2f}  "
      "write {:.2f}\n",
      parts.read * per_image, parts.digest * per_image, parts.decode * per_image,
      parts.measure * per_image, parts.detect * per_image, parts.redact * per_image,
      parts.write * per_image);
  fmt::print("  parts {:.2f}  pipeline {:.2f}  parts/pipeline {:.3f}\n", parts.sum() * per_image,
             whole * per_image, parts.sum() / whole);
  return 0;
}
