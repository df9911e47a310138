// What one record costs the deduper's lane in each part, by the CPU time of one thread and without a
// broker: what other load on the machine changes least.
#pragma once

#include <cstdint>

#include "libs/stream/processor.h"

namespace winnow::bench {

struct PartFigures {  // CPU microseconds a record
  double decode = 0;
  double process = 0;  // without what it reads of the state
  double read = 0;
  double encode = 0;
  double trace = 0;    // headers of what follows
  double write = 0;    // of state: overlay, log and tables, on this thread
  double release = 0;  // giving back the memory of record and outcome
};

// `records` of SafeRecord, decoded so far, through a processor whose state is a RocksDB in
// `directory`, which must be empty.
PartFigures MeasureParts(const stream::ProcessorFactory& factory, std::uint64_t records,
                         record::Extent extent, const std::string& directory);

}  // namespace winnow::bench
