// The index against a linear popcount scan, in the same run. The scan uses the popcnt instruction
// where there is one, so that the comparison flatters nobody.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "services/deduper/hamming_index.h"

namespace winnow::deduper {
namespace {

using Bits = HammingIndex::Bits;

std::vector<Bits> RandomSet(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Bits> set(size);
  for (Bits& bits : set) bits = {random(), random(), random(), random()};
  return set;
}

// Half of the queries are strangers, half are 12 bits away from an entry.
std::vector<Bits> Queries(const std::vector<Bits>& set) {
  std::vector<Bits> queries = RandomSet(4096, 99);
  for (std::size_t i = 0; i < queries.size(); i += 2) {
    queries[i] = set[i * 7919 % set.size()];
    queries[i][i % 4] ^= 0x1111'0000'1111'1111ull;
  }
  return queries;
}

#if defined(__x86_64__)
__attribute__((target("popcnt")))
#endif
int NearestByScan(const std::vector<Bits>& set, const Bits& query) {
  int nearest = 257;
  for (const Bits& bits : set) {
    int distance = 0;
    for (std::size_t i = 0; i < 4; ++i) distance += __builtin_popcountll(bits[i] ^ query[i]);
    nearest = distance < nearest ? distance : nearest;
  }
  return nearest;
}

void BM_LinearScan(benchmark::State& state) {
  const std::vector<Bits> set = RandomSet(static_cast<std::size_t>(state.range(0)), 1);
  const std::vector<Bits> queries = Queries(set);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(NearestByScan(set, queries[i++ % queries.size()]));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LinearScan)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void BM_FindNearest(benchmark::State& state) {
  const std::vector<Bits> set = RandomSet(static_cast<std::size_t>(state.range(0)), 1);
  const std::vector<Bits> queries = Queries(set);
  HammingIndex index;
  for (std::uint32_t id = 0; id < set.size(); ++id) (void)index.Insert(id, set[id]);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.FindNearest(queries[i++ % queries.size()], 31));
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes_per_entry"] =
      static_cast<double>(index.MemoryBytes()) / static_cast<double>(index.size());
}
BENCHMARK(BM_FindNearest)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

// What the deduper does for each image: look, then remember.
void BM_FindThenInsert(benchmark::State& state) {
  const std::vector<Bits> set = RandomSet(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) {
    HammingIndex index;
    for (std::uint32_t id = 0; id < set.size(); ++id) {
      benchmark::DoNotOptimize(index.FindNearest(set[id], 31));
      (void)index.Insert(id, set[id]);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FindThenInsert)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// What Open costs.
void BM_Rebuild(benchmark::State& state) {
  const std::vector<Bits> set = RandomSet(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) {
    HammingIndex index;
    for (std::uint32_t id = 0; id < set.size(); ++id) (void)index.Insert(id, set[id]);
    benchmark::DoNotOptimize(index.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Rebuild)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace winnow::deduper

BENCHMARK_MAIN();
