#include "libs/state/room.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace winnow::state {
namespace {

// The directory, or of one that is not there yet the nearest parent that is.
std::filesystem::path NearestThere(const std::string& directory) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(directory, error);
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace

Status RequireRoom(const std::string& directory, std::uint64_t bytes) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(NearestThere(directory), error);
  if (error || space.available >= bytes) return {};
  constexpr double kMiB = 1 << 20;
  return UnavailableError(fmt::format(
      "No space left on device for the state in {}: {:.1f} MiB free, {:.0f} are wanted; free space "
      "and start again",
      directory, static_cast<double>(space.available) / kMiB, static_cast<double>(bytes) / kMiB));
}

}  // namespace winnow::state
