// What a stage's state directory holds, in a form that can be compared: a state rebuilt from its
// changelog has the digest of the one that was kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/digest.h"
#include "libs/base/result.h"

namespace winnow::kafka {

struct PartitionDigest {
  int partition = 0;
  // What the state stands for. Two states can be compared if they are of the same input offset; the
  // changelog offset of equal ones may differ by the markers of transactions.
  std::int64_t changelog_offset = 0;
  std::optional<std::int64_t> input_offset{};
  std::uint64_t entries = 0;
  Sha256Digest sha256{};  // of all entries in order of family and key; not of the offsets
};

struct StateDigest {
  std::vector<PartitionDigest> partitions;  // by number
};

// Reads the partitions below a stage's state directory without changing them; the stage may be
// running, then each partition is of some moment. kConfig if there is no such directory,
// kCorruptState if it is not a state of this version.
Result<StateDigest> DigestState(const std::string& directory);

}  // namespace winnow::kafka
