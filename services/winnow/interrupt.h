// Ctrl-C and SIGTERM as a flag.
#pragma once

#include <atomic>

namespace winnow::cli {

// From now on the first signal sets the flag; a second one ends the process at once (which is
// safe: the run resumes at its last commit). Call once.
const std::atomic<bool>& CatchInterrupts();

}  // namespace winnow::cli
