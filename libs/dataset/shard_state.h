// The state entries of ShardOutput, in text. Format in README.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/shard_output.h"
#include "libs/stream/processor.h"

namespace winnow::dataset {

// How far the open shard of a split got at the last commit. `bytes` 0: not begun.
struct OpenShard {
  std::uint64_t number = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
};

struct ShardState {
  std::map<std::string, OpenShard> open;  // by split
  std::vector<Shard> closed;              // by name
};

// An empty state is a fresh dataset. kCorruptState for entries of another format version.
Result<ShardState> ReadShardState(const stream::StateView& state);

stream::StateWrite FormatWrite();
stream::StateWrite OpenWrite(const std::string& split, const OpenShard& shard);
stream::StateWrite ClosedWrite(const Shard& shard);

}  // namespace winnow::dataset
