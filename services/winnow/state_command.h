// `winnow state digest`: what a stage's state directory holds, to be compared with another's.
#pragma once

#include <string>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

// One line per partition on stdout: number, input offset, changelog offset, entries, digest.
ExitCode StateDigestCommand(const std::string& directory);

}  // namespace winnow::cli
