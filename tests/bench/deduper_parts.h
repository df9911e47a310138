// What one record costs the deduper's lane in each part, by the CPU time of one thread and without a
// broker: what other load on the machine changes least.
#pragma once

#include <cstdint>

#include "libs/stream/processor.h"

namespace winnow::bench {

struct PartFigures {  // CPU microseconds a record
  double decode = 0;
  double process = 0;
  double encode = 0;
  double trace = 0;    // headers of what follows
  double release = 0;  // giving back the memory of record and outcome
};

// `records` of SafeRecord through a processor whose state is a RocksDB in `directory`.
PartFigures MeasureParts(const stream::ProcessorFactory& factory, std::uint64_t records,
                         const std::string& directory);

}  // namespace winnow::bench
