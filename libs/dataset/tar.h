// Samples as runs of tar entries, one after the other, so that a shard is a plain concatenation and
// can be cut back to any sample boundary.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/files.h"

namespace winnow::dataset {

struct TarEntry {
  std::string name;        // ASCII, at most 100 characters
  std::string_view bytes;  // borrowed
};

// Ends a tar file: two zero blocks.
inline constexpr std::uint64_t kTarTrailerBytes = 1024;

// What AppendTarEntries will write for these entries.
std::uint64_t TarBytes(const std::vector<TarEntry>& entries);

// The entries in POSIX ustar form without a trailer: regular files, mode 0644, owner 0:0 without
// names, modification time 0; so equal entries give equal bytes. `write` takes the pieces in order.
// The first Error of `write` is returned as it is. kBug for a name or size that ustar cannot hold.
Status WriteTarEntries(const std::vector<TarEntry>& entries,
                       const std::function<Status(std::string_view)>& write);

std::string TarTrailer();

// Reads a tar file from disk and calls `visit` per entry with its contents, until it returns an
// Error. kInput if the file is not a whole tar file or an entry exceeds `max_entry_bytes`.
Status ReadTar(const std::string& path, std::uint64_t max_entry_bytes,
               const std::function<Status(const std::string& name, const std::string& bytes)>&
                   visit);

}  // namespace winnow::dataset
