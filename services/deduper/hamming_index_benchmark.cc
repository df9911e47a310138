// The index against linear scans by population count and against faiss, in the same run, on one
// thread. The scans use the best instructions there are, so that the comparison flatters nobody.
#include "services/deduper/hamming_index_benchmark.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "libs/base/check.h"
#include "services/deduper/hamming_index.h"

namespace winnow::deduper {
namespace {

using Bits = HammingIndex::Bits;
using Random = std::mt19937_64;

constexpr std::int64_t kSmall = 10'000;
constexpr std::int64_t kMedium = 1'000'000;
constexpr std::int64_t kLarge = 10'000'000;
constexpr std::size_t kQueries = 4096;

Bits RandomBits(Random& random) { return {random(), random(), random(), random()}; }

std::vector<Bits> RandomSet(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::vector<Bits> set(size);
  for (Bits& bits : set) bits = RandomBits(random);
  return set;
}

}  // namespace

const std::vector<BenchmarkBits>& BenchmarkSet(std::size_t size) {
  static std::vector<Bits> set;
  if (set.size() != size) set = RandomSet(size, 1);
  return set;
}

std::vector<BenchmarkBits> Strangers() { return RandomSet(kQueries, 99); }

std::vector<BenchmarkBits> Duplicates(const std::vector<BenchmarkBits>& set, int distance) {
  Random random(5);
  std::vector<Bits> queries(kQueries);
  for (Bits& bits : queries) {
    const Bits entry = set[random() % set.size()];
    bits = entry;
    while (HammingDistance(bits, entry) < distance) {
      const std::uint64_t position = random() % 256;
      bits[position / 64] = entry[position / 64] ^ ((bits[position / 64] ^ entry[position / 64]) |
                                                    std::uint64_t{1} << (position % 64));
    }
  }
  return queries;
}

namespace {

#if defined(__x86_64__)
__attribute__((target("popcnt")))
#endif
int NearestByPopcount(const std::vector<Bits>& set, const Bits& query) {
  int nearest = 257;
  for (const Bits& bits : set) {
    int distance = 0;
    for (std::size_t i = 0; i < 4; ++i) distance += __builtin_popcountll(bits[i] ^ query[i]);
    nearest = std::min(nearest, distance);
  }
  return nearest;
}

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 takes the undefined operands of its own intrinsics for a mistake (its bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
// Two entries at a time.
__attribute__((target("avx512f,avx512vl,avx512vpopcntdq"))) int NearestByAvx512(
    const std::vector<Bits>& set, const Bits& query) {
  const __m512i wanted = _mm512_broadcast_i64x4(
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query.data())));
  __m512i nearest = _mm512_set1_epi64(257);
  for (std::size_t i = 0; i + 2 <= set.size(); i += 2) {
    const __m512i two = _mm512_loadu_si512(&set[i]);
    __m512i counts = _mm512_popcnt_epi64(_mm512_xor_si512(two, wanted));
    counts = _mm512_add_epi64(counts, _mm512_permutex_epi64(counts, 0x4e));
    counts = _mm512_add_epi64(counts, _mm512_permutex_epi64(counts, 0xb1));
    nearest = _mm512_min_epi64(nearest, counts);
  }
  return static_cast<int>(_mm512_reduce_min_epi64(nearest));
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

void LinearScan(benchmark::State& state, int (*scan)(const std::vector<Bits>&, const Bits&)) {
  const std::vector<Bits>& set = BenchmarkSet(static_cast<std::size_t>(state.range(0)));
  const std::vector<Bits> queries = Strangers();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(scan(set, queries[i++ % queries.size()]));
  state.SetItemsProcessed(state.iterations());
}

void BM_LinearPopcnt(benchmark::State& state) { LinearScan(state, NearestByPopcount); }

void BM_LinearAvx512(benchmark::State& state) {
#if defined(__x86_64__)
  if (FindBitScan(ScanKind::kAvx512) != nullptr) return LinearScan(state, NearestByAvx512);
#endif
  state.SkipWithError("this processor cannot");
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
  const HammingIndex index = Build(BenchmarkSet(static_cast<std::size_t>(state.range(0))), options);
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
  const std::vector<Bits>& set = BenchmarkSet(static_cast<std::size_t>(state.range(0)));
  FindNearest(state, options, Duplicates(set, 12));
}

// What the deduper does for each image: look, then remember. The index is as a long run leaves it,
// with every part in its steady state; it grows by a fifth at most while it is measured, apart from
// the smallest, which grows by half.
void BM_FindThenInsert(benchmark::State& state, const HammingIndex::Options& options) {
  if (options.scan == nullptr) return state.SkipWithError("this processor cannot");
  HammingIndex index = Build(BenchmarkSet(static_cast<std::size_t>(state.range(0))), options);
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
  const std::vector<Bits>& set = BenchmarkSet(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Build(set, options).size());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void RegisterIndex(const std::string& name, std::int64_t size,
                   const HammingIndex::Options& options) {
  const auto add = [&](const std::string& what, auto function) {
    return benchmark::RegisterBenchmark((name + what).c_str(), function, options)
        ->Arg(size)
        ->Unit(benchmark::kMicrosecond);
  };
  add("Stranger", BM_FindStranger);
  add("Duplicate", BM_FindDuplicate);
  add("FindThenInsert", BM_FindThenInsert)->Iterations(std::min<std::int64_t>(size / 2, 200'000));
  add("Rebuild", BM_Rebuild)->Unit(benchmark::kMillisecond)->Iterations(1);
}

void RegisterAll(std::int64_t size) {
  const auto add = [&](const char* name, auto... function) {
    benchmark::RegisterBenchmark(name, function...)->Arg(size)->Unit(benchmark::kMicrosecond);
  };
  RegisterIndex("Index/", size, InMemory(BestBitScan().kind));
  add("Index/AVX2/Stranger", BM_FindStranger, InMemory(ScanKind::kAvx2));
  add("Index/portable/Stranger", BM_FindStranger, InMemory(ScanKind::kPortable));
  RegisterIndex("Index/disk/", size, OnDisk());
  add("Linear/popcnt", BM_LinearPopcnt);
  add("Linear/AVX-512", BM_LinearAvx512);
#ifdef WINNOW_WITH_FAISS
  RegisterFaissBenchmarks(size);
#endif
}

}  // namespace
}  // namespace winnow::deduper

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const std::int64_t size :
       {winnow::deduper::kSmall, winnow::deduper::kMedium, winnow::deduper::kLarge}) {
    winnow::deduper::RegisterAll(size);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
