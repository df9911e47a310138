// What the benchmarks of searches by Hamming distance share: the same data and questions for all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace winnow::deduper {

using BenchmarkBits = std::array<std::uint64_t, 4>;

// Kept from one benchmark to the next of the same size.
const std::vector<BenchmarkBits>& BenchmarkSet(std::size_t size);

// Fingerprints near none: what most images of a collection are to each other, and the costly case.
std::vector<BenchmarkBits> Strangers();

// Each `distance` random bits away from an entry.
std::vector<BenchmarkBits> Duplicates(const std::vector<BenchmarkBits>& set, int distance);

// Registers those of faiss; faiss_benchmark.cc, if it is built.
void RegisterFaissBenchmarks(std::int64_t size);

}  // namespace winnow::deduper
