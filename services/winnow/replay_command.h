// `winnow replay`: drives messages through the pipeline again, after what refused them was mended.
#pragma once

#include <string>
#include <vector>

#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

// What a message must be like to be driven again. Empty: anything.
struct ReplayFilter {
  std::vector<std::string> reasons;  // as in metrics: "undecodable", "blurry"
  std::vector<std::string> stages;   // that gave it up or refused it
  std::vector<std::string> ids;      // of records; dead letters have none
};

enum class ReplayFrom { kDead, kRejected };
enum class ReplayMode { kDrive, kDryRun };

struct ReplayCommandOptions {
  ConnectionOptions connection = {};
  ReplayFilter filter = {};
  ReplayFrom from = ReplayFrom::kDead;
  ReplayMode mode = ReplayMode::kDrive;
};

// Dead letters go, as they came, to the topic they were read from; rejected records are fetched
// from where they arrived. Each goes with its origin, its trace, the time of now and the header
// winnow-replay counted up, by which its new outcome is told from the old. What was driven again
// before is not driven twice: it is looked for where it would go. Counts on stdout, with kDryRun a
// line for each message, too.
ExitCode ReplayCommand(const ReplayCommandOptions& options);

}  // namespace winnow::cli
