// `winnow run`: a folder of images and a spec in, a dataset out.
#pragma once

#include <cstddef>
#include <cstdint>
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
  std::uint64_t index_memory = 4ull << 30;  // bytes; of the deduper's index, the rest is in STATE
};

// Prints progress and errors to stderr, the final table to stdout.
ExitCode RunCommand(const RunCommandOptions& options);

}  // namespace winnow::cli
