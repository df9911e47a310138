// Reads a deployment for its audit: topics, groups and dataset folders.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/log_reader.h"
#include "services/winnow/audit_ledger.h"

namespace winnow::cli {

struct AuditPlaces {
  std::string prefix;
  std::vector<std::string> datasets;  // folders the sinks write to
};

// What was found besides the books.
struct AuditScan {
  AuditReport report;
  std::uint64_t parts = 0;
  std::uint64_t staged_files = 0;       // in .winnow/staging: shards being filled, or leftovers
  std::uint64_t open_transactions = 0;  // partitions with one
};

// Reads upstream first, so that a record on its way is seen at least once, and every topic to the
// end it had when its turn came. `patience`: a partition whose transaction is open must get on
// within this time, or the transaction counts as left behind.
Result<AuditScan> ScanPipeline(kafka::LogReader& reader, const AuditPlaces& places,
                               std::chrono::milliseconds patience);

}  // namespace winnow::cli
