// Which digests were ever seen, for certain where it says no: most images are new, and the state
// need not be asked about them. A Bloom filter of blocks with a bit in each of eight words (the
// split block Bloom filter of Apache Parquet's specification) that grows by layers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "libs/base/digest.h"

namespace winnow::deduper {

// Not thread-safe; const members may run in parallel.
class SeenFilter {
 public:
  void Add(const Sha256Digest& digest);
  // False: never added. Of 100 that were never added fewer than 3 are told to be seen.
  bool MayHold(const Sha256Digest& digest) const;

  // 2 to 5 bytes a digest, once there are many.
  std::size_t MemoryBytes() const;

 private:
  using Block = std::array<std::uint32_t, 8>;
  struct Layer {
    std::vector<Block> blocks;
    std::size_t entries = 0;
  };

  std::vector<Layer> layers_;  // the last is filled
};

}  // namespace winnow::deduper
