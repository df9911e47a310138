#include "libs/state/room.h"

#include <fmt/format.h>

#include <optional>

#include "libs/base/disk_space.h"

namespace winnow::state {

Status RequireRoom(const std::string& directory, std::uint64_t bytes) {
  const std::optional<DiskSpace> space = ReadDiskSpace(directory);
  if (!space || space->free_bytes >= bytes) return {};
  constexpr double kMiB = 1 << 20;
  return UnavailableError(fmt::format(
      "No space left on device for the state in {}: {:.1f} MiB free, {:.0f} are wanted; free space "
      "and start again",
      directory, static_cast<double>(space->free_bytes) / kMiB, static_cast<double>(bytes) / kMiB));
}

}  // namespace winnow::state
