#include "libs/telemetry/disk_figures.h"

#include <optional>
#include <utility>

#include "libs/base/disk_space.h"

namespace winnow::telemetry {
namespace {

void Tell(const Volume& volume, const Labels& labels, GaugeFamily& size, GaugeFamily& free) {
  const std::optional<DiskSpace> space = ReadDiskSpace(volume.path);
  if (!space) {
    size.Remove(labels);
    free.Remove(labels);
    return;
  }
  size.At(labels).Set(static_cast<double>(space->size_bytes));
  free.At(labels).Set(static_cast<double>(space->free_bytes));
}

}  // namespace

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
