// How much room a file system has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace winnow {

struct DiskSpace {
  std::uint64_t size_bytes = 0;
  std::uint64_t free_bytes = 0;  // to processes without root's reserve
};

// Of the file system that holds `path`, or that would: of a path that does not exist yet, its
// nearest parent that does counts. nullopt if the system does not say.
std::optional<DiskSpace> ReadDiskSpace(const std::string& path);

}  // namespace winnow
