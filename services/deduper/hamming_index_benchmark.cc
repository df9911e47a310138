// The index against linear scans by population count, in the same run. The scans use the best
// instructions there are, so that the comparison flatters nobody.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "libs/base/check.h"
#include "services/deduper/hamming_index.h"

namespace winnow::deduper {
namespace {

using Bits = HammingIndex::Bits;
using Random = std::mt19937_64;

constexpr std::int64_t kSmall = 10'000;
constexpr std::int64_t kMedium = 1'000'000;
constexpr std::int64_t kLarge = 10'000'000;

Bits RandomBits(Random& random) { return {random(), random(), random(), random()}; }

// Kept from one benchmark to the next of the same size.
const std::vector<Bits>& RandomSet(std::size_t size) {
  static std::vector<Bits> set;
  if (set.size() != size) {
    Random random(1);
    set = std::vector<Bits>(size);
    for (Bits& bits : set) bits = RandomBits(random);
  }
  return set;
}

// Strangers: what most images of a collection are to each other, and the costly case.
std::vector<Bits> Strangers() {
  Random random(99);
  std::vector<Bits> queries(4096);
  for (Bits& bits : queries) bits = RandomBits(random);
  return queries;
}

// Twelve bits away from an entry.
std::vector<Bits> Duplicates(const std::vector<Bits>& set) {
  std::vector<Bits> queries(4096);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    queries[i] = set[i * 7919 % set.size()];
    queries[i][i % 4] ^= 0x1111'0000'1111'1111ull;
  }
  return queries;
}

HammingIndex::Options InMemory(ScanKind kind) {
  HammingIndex::Options options;
  options.scan = FindBitScan(kind);
  return options;
}

HammingIndex::Options OnDisk() {
  HammingIndex::Options options;
  options.memory_bytes = 0;
  options.spill_directory = std::filesystem::temp_directory_path();
  return options;
}

HammingIndex Build(const std::vector<Bits>& set, const HammingIndex::Options& options) {
  HammingIndex index = HammingIndex::Create(options).value();
  for (std::uint32_t id = 0; id < set.size(); ++id) WINNOW_CHECK(index.Append(id, set[id]));
  WINNOW_CHECK(index.Build());
  return index;
}

void ReportBytes(benchmark::State& state, const HammingIndex& index) {
  const auto entries = static_cast<double>(index.size());
  state.counters["memory/entry"] = static_cast<double>(index.MemoryBytes()) / entries;
  state.counters["disk/entry"] = static_cast<double>(index.DiskBytes()) / entries;
}

void FindNearest(benchmark::State& state, const HammingIndex::Options& options,
                 const std::vector<Bits>& queries) {
  if (options.scan == nullptr) return state.SkipWithError("this processor cannot");
  const HammingIndex index = Build(RandomSet(static_cast<std::size_t>(state.range(0))), options);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.FindNearest(queries[i++ % queries.size()], 31));
  }
  state.SetItemsProcessed(state.iterations());
  ReportBytes(state, index);
}

void BM_FindStranger(benchmark::State& state, const HammingIndex::Options& options) {
  FindNearest(state, options, Strangers());
}

void BM_FindDuplicate(benchmark::State& state, const HammingIndex::Options& options) {
  FindNearest(state, options, Duplicates(RandomSet(static_cast<std::size_t>(state.range(0)))));
}

// What the deduper does for each image: look, then remember. The index is as a long run leaves it,
// with every part in its steady state.
void BM_FindThenInsert(benchmark::State& state, const HammingIndex::Options& options) {
  if (options.scan == nullptr) return state.SkipWithError("this processor cannot");
  HammingIndex index = Build(RandomSet(static_cast<std::size_t>(state.range(0))), options);
  Random random(7);
  auto id = static_cast<std::uint32_t>(state.range(0));
  for (const auto end = id + id / 16; id < end; ++id) {
    WINNOW_CHECK(index.Insert(id, RandomBits(random)));
  }
  for (auto _ : state) {
    const Bits bits = RandomBits(random);
    benchmark::DoNotOptimize(index.FindNearest(bits, 31));
    WINNOW_CHECK(index.Insert(id++, bits));
  }
  state.SetItemsProcessed(state.iterations());
  ReportBytes(state, index);
}

// What the index adds to reopening.
void BM_Rebuild(benchmark::State& state, const HammingIndex::Options& options) {
  const std::vector<Bits>& set = RandomSet(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Build(set, options).size());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

}  // namespace
}  // namespace winnow::deduper

int main(int argc, char** argv) {
  using namespace winnow::deduper;  // NOLINT
  benchmark::Initialize(&argc, argv);
  for (const std::int64_t size : {kSmall, kMedium, kLarge}) {
    const auto add = [&](const std::string& name, auto function,
                         const HammingIndex::Options& options) {
      return benchmark::RegisterBenchmark(name.c_str(), function, options)
          ->Arg(size)
          ->Unit(benchmark::kMicrosecond);
    };
    const HammingIndex::Options best = InMemory(BestBitScan().kind);
    add("Stranger/portable", BM_FindStranger, InMemory(ScanKind::kPortable));
    add("Stranger/AVX2", BM_FindStranger, InMemory(ScanKind::kAvx2));
    add("Stranger/AVX-512", BM_FindStranger, InMemory(ScanKind::kAvx512));
    add("Duplicate", BM_FindDuplicate, best);
    add("FindThenInsert", BM_FindThenInsert, best);
    add("Rebuild", BM_Rebuild, best)->Unit(benchmark::kMillisecond)->Iterations(1);
    add("Disk/Stranger", BM_FindStranger, OnDisk());
    add("Disk/FindThenInsert", BM_FindThenInsert, OnDisk());
    add("Disk/Rebuild", BM_Rebuild, OnDisk())->Unit(benchmark::kMillisecond)->Iterations(1);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
