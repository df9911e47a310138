// Which split a record goes to: a pure function of its cluster and the shares.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libs/base/result.h"

namespace winnow::sink {

// kConfig unless there is at least one split, shares are within 0..1 and their sum is 1 (+-1e-6).
Status CheckSplits(const std::map<std::string, double>& splits);

// The first 64 bits of SHA-256(`key`) as a fraction of 1, placed on the splits laid end to end in
// order of name. Depends on nothing that came before: the same key gets the same split in every
// run, and adding images moves none. `splits` must have passed CheckSplits; a split with share 0
// gets nothing.
const std::string& SplitOf(std::string_view key, const std::map<std::string, double>& splits);

}  // namespace winnow::sink
