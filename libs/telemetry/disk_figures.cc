#include "libs/telemetry/disk_figures.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace winnow::telemetry {
namespace {

namespace fs = std::filesystem;

// 0, or why not.
int Ask(const fs::path& path, struct statvfs& answer) {
  int status = 0;
  do {
    status = ::statvfs(path.c_str(), &answer);
  } while (status != 0 && errno == EINTR);
  return status == 0 ? 0 : errno;
}

void Tell(const Volume& volume, const Labels& labels, GaugeFamily& size, GaugeFamily& free) {
  const std::optional<DiskSpace> space = ReadDiskSpace(volume.path);
  if (!space) {
    size.Remove(labels);
    free.Remove(labels);
    return;
  }
  size.At(labels).Set(space->size_bytes);
  free.At(labels).Set(space->free_bytes);
}

}  // namespace

std::optional<DiskSpace> ReadDiskSpace(const std::string& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  struct statvfs answer {};
  int why = error ? EINVAL : Ask(place, answer);
  while (why == ENOENT && place.has_relative_path()) {
    place = place.parent_path();
    why = Ask(place, answer);
  }
  if (why != 0) return std::nullopt;
  const auto unit = static_cast<double>(answer.f_frsize);
  return DiskSpace{static_cast<double>(answer.f_blocks) * unit,
                   static_cast<double>(answer.f_bavail) * unit};
}

void TellDiskSpace(const std::string& stage, std::vector<Volume> volumes, Metrics& metrics) {
  GaugeFamily size = metrics.AddGauges("winnow_disk_size_bytes",
                                       "Size of the file system that holds the volume");
  GaugeFamily free =
      metrics.AddGauges("winnow_disk_free_bytes", "What of it may still be written");
  metrics.BeforeText([stage, volumes = std::move(volumes), size, free]() mutable {
    for (const Volume& volume : volumes) {
      Tell(volume, {{"stage", stage}, {"volume", volume.name}}, size, free);
    }
  });
}

}  // namespace winnow::telemetry
