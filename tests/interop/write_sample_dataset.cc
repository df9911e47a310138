// Writes a small dataset for other people's readers, in which better copies took the place of
// others: write_sample_dataset [--parts] DIRECTORY. With --parts as services write it.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

#include "libs/dataset/manifest.h"
#include "libs/dataset/shard_output.h"
#include "libs/dataset/stream_shards.h"
#include "libs/testing/images.h"
#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"

namespace winnow {
namespace {

constexpr int kImages = 23;

// A record, and those whose place it takes: within a shard, in an earlier one, and all of a split.
const std::map<int, std::vector<int>> kReplaces = {
    {3, {2}}, {18, {0}}, {19, {5, 11}}, {20, {17, 3}}};
constexpr int kReplaced = 6;

RecordId IdOf(int index) { return RecordId(fmt::format("{:032x}", index + 1)); }

record::ImageRecord Record(int index) {
  winnow::testing::MakeImageOptions picture;
  picture.width = static_cast<std::uint32_t>(200 + 8 * index);
  picture.height = 160;
  picture.seed = static_cast<std::uint32_t>(index + 1);
  const bool png = index % 5 == 4;

  record::ImageRecord record;
  record.id = IdOf(index);
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
  const auto replaces = kReplaces.find(index);
  if (replaces == kReplaces.end()) return record;
  record.duplicate = record::Duplicate{};
  for (const int earlier : replaces->second) {
    record.duplicate->replaces.push_back(IdOf(earlier));
  }
  return record;
}

Status Commit(stream::Output& output, winnow::testing::MapState& state) {
  WINNOW_ASSIGN_OR_RETURN(const auto writes, output.Prepare());
  state.Apply(writes);
  return output.Publish();
}

Status AppendAll(stream::Output& output, winnow::testing::MapState& state) {
  std::vector<record::ImageRecord> appended;
  for (int i = 0; i < kImages; ++i) {
    record::ImageRecord record = Record(i);
    WINNOW_RETURN_IF_ERROR(output.Append(record));
    appended.push_back(record);
    if (const auto replaces = kReplaces.find(i); replaces != kReplaces.end()) {
      for (const int earlier : replaces->second) {
        WINNOW_RETURN_IF_ERROR(output.Remove(appended[static_cast<std::size_t>(earlier)]));
      }
    }
    if (i == kImages - 1) WINNOW_RETURN_IF_ERROR(output.Seal());
    if (i % 4 == 3 || i == kImages - 1) WINNOW_RETURN_IF_ERROR(Commit(output, state));
  }
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const bool took_out, output.TakeOut());
    if (!took_out) return {};
    WINNOW_RETURN_IF_ERROR(Commit(output, state));
  }
}

Status WriteParts(const std::string& directory) {
  dataset::PartitionShardOptions options;
  options.directory = directory;
  options.collection = CollectionId("interop");
  options.topic = "images.selected";
  options.max_images = 7;
  WINNOW_ASSIGN_OR_RETURN(const auto output,
                          dataset::NewPartitionShards(options, dataset::PosixFiles()));
  WINNOW_ASSIGN_OR_RETURN(const std::int64_t from, output->Open());
  for (int i = 0; i < kImages; ++i) {
    record::ImageRecord record = Record(i);
    WINNOW_ASSIGN_OR_RETURN(const auto result, output->Append(record, from + i));
    static_cast<void>(result);
  }
  WINNOW_RETURN_IF_ERROR(output->Seal(from + kImages));
  int rewritten = 0;
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const bool took_out, output->TakeOut());
    if (!took_out) break;
    ++rewritten;
  }
  if (rewritten > 0 && output->NewlyTakenOut().records == kReplaced) return {};
  return BugError("the sample dataset shows no rewritten shard, or not all replacements");
}

Status Write(const std::string& directory) {
  winnow::testing::MapState state;
  const dataset::ShardOptions options{directory, CollectionId("interop"), 7, 1u << 30};
  WINNOW_ASSIGN_OR_RETURN(auto output, dataset::NewShardOutput(options, dataset::PosixFiles()));
  WINNOW_RETURN_IF_ERROR(output->Recover(state));
  WINNOW_RETURN_IF_ERROR(AppendAll(*output, state));
  dataset::Manifest manifest;
  manifest.collection = "interop";
  manifest.totals.received = kImages;
  manifest.totals.stored = kImages - kReplaced;
  manifest.totals.rejected = kReplaced;
  manifest.class_counts = {{"thing", kImages - kReplaced}};
  WINNOW_ASSIGN_OR_RETURN(manifest.shards, dataset::ReadShards(state));
  return dataset::WriteManifest(directory, manifest, dataset::PosixFiles());
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  const bool parts = argc == 3 && std::string_view(argv[1]) == "--parts";
  if (argc != 2 && !parts) {
    std::fprintf(stderr, "usage: %s [--parts] DIRECTORY\n", argv[0]);
    return 2;
  }
  const winnow::Status status = parts ? winnow::WriteParts(argv[2]) : winnow::Write(argv[1]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
