#include "libs/base/disk_space.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace winnow {
namespace {

// 0, or why not.
int Ask(const std::filesystem::path& path, struct statvfs& answer) {
  int status = 0;
  do {
    status = ::statvfs(path.c_str(), &answer);
  } while (status != 0 && errno == EINTR);
  return status == 0 ? 0 : errno;
}

}  // namespace

std::optional<DiskSpace> ReadDiskSpace(const std::string& path) {
  std::error_code error;
  std::filesystem::path place = std::filesystem::absolute(path, error);
  struct statvfs answer {};
  int why = error ? EINVAL : Ask(place, answer);
  while (why == ENOENT && place.has_relative_path()) {
    place = place.parent_path();
    why = Ask(place, answer);
  }
  if (why != 0) return std::nullopt;
  return DiskSpace{std::uint64_t{answer.f_blocks} * answer.f_frsize,
                   std::uint64_t{answer.f_bavail} * answer.f_frsize};
}

}  // namespace winnow
