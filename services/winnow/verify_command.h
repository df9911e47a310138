// `winnow verify`: does a dataset still hold what its manifest says?
#pragma once

#include <string>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

// "OUTPUT: ok ..." on stdout, or one line per problem on stderr and kCorrupt.
ExitCode VerifyCommand(const std::string& output);

}  // namespace winnow::cli
