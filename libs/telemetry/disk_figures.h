// How much room there is where a service writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/telemetry/metrics.h"

namespace winnow::telemetry {

struct DiskSpace {
  double size_bytes = 0;
  double free_bytes = 0;  // to processes without root's reserve
};

// Of the file system that holds `path`, or that would: of a path that does not exist yet, its
// nearest parent that does counts. nullopt if the system does not say.
std::optional<DiskSpace> ReadDiskSpace(const std::string& path);

// A place on disk that a service writes to.
struct Volume {
  std::string name;  // "state": a label
  std::string path;
};

// From now on `metrics` tells winnow_disk_size_bytes and winnow_disk_free_bytes {stage,volume} of
// each volume, as of the scrape; nothing of one the system says nothing about. Call once.
void TellDiskSpace(const std::string& stage, std::vector<Volume> volumes, Metrics& metrics);

}  // namespace winnow::telemetry
