// `winnow run`: a folder of images and a spec in, a dataset out.
#pragma once

#include <cstddef>
#include <string>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct RunCommandOptions {
  std::string spec;
  std::string input;
  std::string output;
  std::string state;         // empty: OUTPUT/.winnow/state
  std::string models;        // empty: service::FindModelDirectory
  std::string summary;       // JSON file; empty: none
  std::size_t threads = 0;   // lanes; 0: one per core
};

// Prints progress and errors to stderr, the final table to stdout.
ExitCode RunCommand(const RunCommandOptions& options);

}  // namespace winnow::cli
