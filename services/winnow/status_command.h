// `winnow status`: a live table of a pipeline.
#pragma once

#include <string>
#include <vector>

#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

// kRequireReady: kOnce, and kCorrupt unless every stage has a ready instance.
enum class StatusMode { kWatch, kOnce, kRequireReady };

struct StatusCommandOptions {
  ConnectionOptions connection = {};
  std::vector<std::string> metrics = {};  // addresses of services, http://host:port
  StatusMode mode = StatusMode::kWatch;
};

// On a terminal the table is drawn anew every second until interrupted; elsewhere, and with kOnce,
// it is printed once, after a second in which rates are taken. Lag is counted in messages, by
// group offsets and, near the end, by looking: markers of transactions are none. The sink's lag
// includes what is in shards not yet published.
ExitCode StatusCommand(const StatusCommandOptions& options);

}  // namespace winnow::cli
