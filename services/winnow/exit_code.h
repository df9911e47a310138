// What the winnow command returns to the shell. Part of its interface: never renumber.
#pragma once

#include "libs/base/result.h"

namespace winnow::cli {

enum class ExitCode {
  kOk = 0,           // done; refused images are not failures
  kUnavailable = 1,  // disk full, file gone, no broker: mend it and run the same command again
  kUsage = 2,        // wrong arguments, spec, paths or models: nothing was written
  kCorrupt = 3,      // state, dataset or topics are not as they should be
  kBug = 4,          // a defect in Winnow: please report it
  kStopped = 130,    // Ctrl-C or SIGTERM: run the same command again to go on
};

// For an Error that ends the command.
inline ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConfig: return ExitCode::kUsage;
    case ErrorCode::kInput: return ExitCode::kUsage;
    case ErrorCode::kUnavailable: return ExitCode::kUnavailable;
    case ErrorCode::kCorruptState: return ExitCode::kCorrupt;
    case ErrorCode::kCancelled: return ExitCode::kStopped;
    case ErrorCode::kBug: return ExitCode::kBug;
  }
  return ExitCode::kBug;
}

}  // namespace winnow::cli
