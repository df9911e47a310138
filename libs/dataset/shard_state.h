// The state entries of ShardOutput, in text. Format in README.md.
#pragma once

#include <map>
#include <set>
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
  std::map<std::string, std::set<std::string>> removed;  // keys still to be taken out, by shard
};

// An empty state is a fresh dataset. Reads formats 1 and 2; kCorruptState for entries of another.
Result<ShardState> ReadShardState(const stream::StateView& state);

stream::StateWrite FormatWrite();
stream::StateWrite OpenWrite(const std::string& split, const OpenShard& shard);
stream::StateWrite ClosedWrite(const Shard& shard);
stream::StateWrite RemovedWrite(const std::string& shard, const std::string& key);
stream::StateWrite TakenOutWrite(const std::string& shard, const std::string& key);

}  // namespace winnow::dataset
