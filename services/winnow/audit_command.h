// `winnow audit`: does every image that arrived have exactly one outcome?
#pragma once

#include <string>
#include <vector>

#include "services/winnow/audit_scan.h"
#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct AuditCommandOptions {
  ConnectionOptions connection;
  std::vector<std::string> datasets;
  std::string json;      // file; empty: none
  double wait_seconds = 0;
  // A transaction that has not ended after so long counts as left behind.
  double patience_seconds = 5;
};

// A table of figures and every rule that does not hold on stdout. kCorrupt if there is one, or if
// records are still in flight after the wait that was asked for. A pipeline at work is read while
// it moves: what looks wrong is looked at again before it is told.
ExitCode AuditCommand(const AuditCommandOptions& options);

std::string AuditTable(const AuditScan& scan);
// {sound, in_flight, figures: {...}, violations: [{rule, count, examples}]}
std::string AuditJson(const AuditScan& scan);

}  // namespace winnow::cli
