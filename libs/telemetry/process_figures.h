// What the system says of this process. Linux.
#pragma once

namespace winnow::telemetry {

// 0 where the system does not say.
struct ProcessFigures {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double open_files = 0;
  double max_files = 0;
  double started_at_seconds = 0;  // since 1970
};

// Reads /proc. Thread-safe.
ProcessFigures ReadProcessFigures();

}  // namespace winnow::telemetry
