// Takes samples out of a shard that is closed.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"

namespace winnow::dataset {

// Of one sample that is left out: its key and what its KEY.json says.
using LeftOut = std::function<void(const std::string& key, const std::string& json)>;

// Copies `shard`, which lies at `from`, to `to`, where no file must be, without the samples of
// `keys`, and syncs the copy. The others keep their bytes and their order; where none is left the
// copy is an empty tar file. Returns the description of the copy, under the same name. Takes 2 MiB
// and one JSON of memory. kCorruptState if the file is not what `shard` says or has no sample of one of the
// keys; then a part of the copy may be there.
Result<Shard> RewriteWithout(Files& files, const Shard& shard, const std::string& from,
                             const std::string& to, const std::set<std::string>& keys,
                             const LeftOut& left_out = nullptr);

}  // namespace winnow::dataset
