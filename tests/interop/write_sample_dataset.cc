// Writes a small dataset for other people's readers: write_sample_dataset DIRECTORY
#include <fmt/format.h>

#include <cstdio>

#include "libs/dataset/manifest.h"
#include "libs/dataset/shard_output.h"
#include "libs/testing/images.h"
#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"

namespace winnow {
namespace {

constexpr int kImages = 23;

record::ImageRecord Record(int index) {
  winnow::testing::MakeImageOptions picture;
  picture.width = static_cast<std::uint32_t>(200 + 8 * index);
  picture.height = 160;
  picture.seed = static_cast<std::uint32_t>(index + 1);
  const bool png = index % 5 == 4;

  record::ImageRecord record;
  record.id = RecordId(fmt::format("{:032x}", index + 1));
  record.collection = CollectionId("interop");
  record.source.id = SourceId("generated");
  // A name that is not UTF-8, as old file systems have them.
  record.source.path = index == 0 ? "na\xefve.jpg" : fmt::format("{}.jpg", index);
  record.payload = record::SafePayloadForTesting::Make(
      png ? winnow::testing::MakePng(picture) : winnow::testing::MakeJpeg(picture),
      png ? "image/png" : "image/jpeg");
  record.measurements = record::Measurements{};
  record.measurements->width = picture.width;
  record.measurements->height = picture.height;
  record.measurements->format = png ? record::ImageFormat::kPng : record::ImageFormat::kJpeg;
  record::Annotation object;
  object.label = "thing";
  object.box = record::Box{10, 10, 50.5, 40};
  record.annotations = {object};
  record.placement = record::Placement{};
  record.placement->split = index % 6 == 5 ? "val" : "train";
  return record;
}

Status AppendAll(stream::Output& output, winnow::testing::MapState& state) {
  for (int i = 0; i < kImages; ++i) {
    record::ImageRecord record = Record(i);
    WINNOW_RETURN_IF_ERROR(output.Append(record));
    if (i == kImages - 1) WINNOW_RETURN_IF_ERROR(output.Seal());
    if (i % 4 != 3 && i != kImages - 1) continue;
    WINNOW_ASSIGN_OR_RETURN(const auto writes, output.Prepare());
    state.Apply(writes);
    WINNOW_RETURN_IF_ERROR(output.Publish());
  }
  return {};
}

Status Write(const std::string& directory) {
  winnow::testing::MapState state;
  const dataset::ShardOptions options{directory, CollectionId("interop"), 7, 1u << 30};
  WINNOW_ASSIGN_OR_RETURN(auto output, dataset::NewShardOutput(options, dataset::PosixFiles()));
  WINNOW_RETURN_IF_ERROR(output->Recover(state));
  WINNOW_RETURN_IF_ERROR(AppendAll(*output, state));
  dataset::Manifest manifest;
  manifest.collection = "interop";
  manifest.totals.received = manifest.totals.stored = kImages;
  manifest.class_counts = {{"thing", kImages}};
  WINNOW_ASSIGN_OR_RETURN(manifest.shards, dataset::ReadShards(state));
  return dataset::WriteManifest(directory, manifest, dataset::PosixFiles());
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  const winnow::Status status = winnow::Write(argv[1]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
