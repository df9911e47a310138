// The binary indexes of faiss on the data of hamming_index_benchmark.cc, with the number of
// neighbours they find: some are approximate.
#include <benchmark/benchmark.h>
#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHash.h>
#include <omp.h>

#include <memory>
#include <vector>

#include "services/deduper/hamming_index_benchmark.h"

namespace winnow::deduper {
namespace {

using Index = faiss::IndexBinary;

constexpr int kBits = 256;
constexpr int kMaxDistance = 31;

const std::uint8_t* Bytes(const std::vector<BenchmarkBits>& set) {
  return reinterpret_cast<const std::uint8_t*>(set.data());
}

std::unique_ptr<Index> Flat() { return std::make_unique<faiss::IndexBinaryFlat>(kBits); }

// The first 16 bits of each entry, one of which may differ.
std::unique_ptr<Index> Hash() {
  auto index = std::make_unique<faiss::IndexBinaryHash>(kBits, 16);
  index->nflip = 1;
  return index;
}

// The geometry of the index of Winnow: 16 bands of 16 bits, one of which may differ.
std::unique_ptr<Index> MultiHash() {
  auto index = std::make_unique<faiss::IndexBinaryMultiHash>(kBits, 16, 16);
  index->nflip = 1;
  return index;
}

int Nearest(const Index& index, const BenchmarkBits& query) {
  std::int32_t distance = 0;
  faiss::Index::idx_t id = -1;
  index.search(1, reinterpret_cast<const std::uint8_t*>(query.data()), 1, &distance, &id);
  return id < 0 ? kBits + 1 : distance;
}

// The share of queries as far from an entry as counts that find it, or one as near.
double Recall(const Index& index, const std::vector<BenchmarkBits>& set) {
  constexpr std::size_t kAsked = 100;
  const std::vector<BenchmarkBits> queries = Duplicates(set, kMaxDistance);
  std::size_t found = 0;
  for (std::size_t i = 0; i < kAsked; ++i) {
    if (Nearest(index, queries[i]) <= kMaxDistance) ++found;
  }
  return static_cast<double>(found) / kAsked;
}

void BM_Faiss(benchmark::State& state, std::unique_ptr<Index> (*make)()) {
  ::omp_set_num_threads(1);
  const std::vector<BenchmarkBits>& set = BenchmarkSet(static_cast<std::size_t>(state.range(0)));
  const std::unique_ptr<Index> index = make();
  index->add(static_cast<faiss::Index::idx_t>(set.size()), Bytes(set));
  state.counters["recall"] = Recall(*index, set);
  const std::vector<BenchmarkBits> queries = Strangers();
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Nearest(*index, queries[i++ % queries.size()]));
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void RegisterFaissBenchmarks(std::int64_t size) {
  const auto add = [&](const char* name, std::unique_ptr<Index> (*make)()) {
    benchmark::RegisterBenchmark(name, BM_Faiss, make)->Arg(size)->Unit(benchmark::kMicrosecond);
  };
  add("faiss/Flat/Stranger", Flat);
  add("faiss/Hash/Stranger", Hash);
  add("faiss/MultiHash/Stranger", MultiHash);
}

}  // namespace winnow::deduper
