// `winnow duplicates`: a contact sheet of what a run dropped as duplicates, and of what it kept.
#pragma once

#include <cstddef>
#include <string>

#include "services/winnow/duplicate_groups.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct DuplicatesOptions {
  std::string spec;
  std::string input;
  std::string output;
  std::string state;   // empty: OUTPUT/.winnow/state
  std::string html;    // file to write
  std::string models;  // empty: service::FindModelDirectory
  GroupLimits limits;
  std::size_t threads = 0;  // 0: one per core
};

// A table on stdout, errors on stderr. Pictures are read again from the input and redacted; the run
// may be going on.
ExitCode DuplicatesCommand(const DuplicatesOptions& options);

}  // namespace winnow::cli
