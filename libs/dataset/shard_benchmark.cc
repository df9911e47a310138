// Shard writing against bare write and fsync of the same bytes, on the disk of TMPDIR (default:
// the working directory). Compare the two within one run: disks differ, and so do their hours.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/dataset/shard_output.h"
#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"

namespace winnow::dataset {
namespace {

constexpr int kImages = 512;
constexpr std::size_t kImageBytes = 256u << 10;  // a 1 Mpixel photograph
constexpr int kImagesPerCommit = 256;            // the local runner's default

std::string Directory() {
  const char* base = std::getenv("TMPDIR");
  return fmt::format("{}/winnow_shard_benchmark_{}", base == nullptr ? "." : base, ::getpid());
}

std::vector<record::ImageRecord> Records() {
  std::vector<record::ImageRecord> records(kImages);
  std::string bytes(kImageBytes, '\0');
  std::uint32_t noise = 1;
  for (char& byte : bytes) byte = static_cast<char>((noise = noise * 1664525 + 1013904223) >> 24);
  for (int i = 0; i < kImages; ++i) {
    auto& record = records[static_cast<std::size_t>(i)];
    record.id = RecordId(fmt::format("{:032x}", i));
    record.payload = record::SafePayloadForTesting::Make(bytes);
    record.placement = record::Placement{};
    record.placement->split = "train";
  }
  return records;
}

void Require(benchmark::State& state, const Status& status) {
  if (!status) state.SkipWithError(status.error().message.c_str());
}

void WriteShards(benchmark::State& state, std::vector<record::ImageRecord>& records) {
  winnow::testing::MapState entries;
  const ShardOptions options{Directory(), CollectionId("bench"), 10'000, 1ull << 30};
  auto output = NewShardOutput(options, PosixFiles()).value();
  Require(state, output->Recover(entries));
  for (int i = 0; i < kImages; ++i) {
    Require(state, output->Append(records[static_cast<std::size_t>(i)]));
    if (i == kImages - 1) Require(state, output->Seal());
    if (i % kImagesPerCommit != kImagesPerCommit - 1) continue;
    entries.Apply(output->Prepare().value());
    Require(state, output->Publish());
  }
}

void WriteBare(benchmark::State& state, const std::vector<record::ImageRecord>& records) {
  Require(state, PosixFiles().MakeDirectories(Directory()));
  auto file = PosixFiles().OpenAppend(Directory() + "/bare").value();
  for (int i = 0; i < kImages; ++i) {
    const auto& payload = records[static_cast<std::size_t>(i)].payload;
    Require(state, file->Append(record::ContentOf(payload)->bytes.view()));
    if (i % kImagesPerCommit == kImagesPerCommit - 1) Require(state, file->Sync());
  }
}

template <class Write>
void Measure(benchmark::State& state, const Write& write) {
  auto records = Records();
  for (auto _ : state) {
    write(state, records);
    state.PauseTiming();
    std::filesystem::remove_all(Directory());
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * kImages * static_cast<std::int64_t>(kImageBytes));
}

void BM_ShardOutput(benchmark::State& state) { Measure(state, WriteShards); }
void BM_BareWriteAndSync(benchmark::State& state) { Measure(state, WriteBare); }

BENCHMARK(BM_ShardOutput)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BareWriteAndSync)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace winnow::dataset

BENCHMARK_MAIN();
