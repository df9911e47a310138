// How much room there is where a service writes.
#pragma once

#include <string>
#include <vector>

#include "libs/telemetry/metrics.h"

namespace winnow::telemetry {

// A place on disk that a service writes to.
struct Volume {
  std::string name;  // "state": a label
  std::string path;
};

// From now on `metrics` tells winnow_disk_size_bytes and winnow_disk_free_bytes {stage,volume} of
// each volume, as of the scrape; nothing of one the system says nothing about. Call once.
void TellDiskSpace(const std::string& stage, std::vector<Volume> volumes, Metrics& metrics);

}  // namespace winnow::telemetry
