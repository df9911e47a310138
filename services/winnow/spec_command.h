// `winnow spec check` and `winnow spec describe`.
#pragma once

#include <string>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

// "FILE: ok" on stdout, or one "FILE:line:column: message" per problem on stderr.
ExitCode CheckSpec(const std::string& path);

// The spec with every default written out, its unit and source beside it, on stdout.
ExitCode DescribeSpec(const std::string& path);

}  // namespace winnow::cli
