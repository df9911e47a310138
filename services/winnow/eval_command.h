// `winnow eval duplicates`: how well copies are told from other pictures, on labelled ones.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct EvalDuplicatesOptions {
  std::string data;                    // folder of labelled sets
  std::vector<std::string> sets;       // of these; empty: of all that say what is a copy of what
  std::vector<std::string> views;      // sets whose groups are views of one thing
  std::string spec;                    // empty: the defaults
  std::string ladder;                  // folder to write the transform ladder to; empty: none
  std::vector<std::string> originals;  // sets to take its photographs from
  std::size_t count = 60;              // of these photographs
  std::string json;                    // files to write; empty: none
  std::string html;
  std::string models;                  // for the pictures in the HTML page
  std::size_t threads = 0;             // 0: one per core
};

// Tables on stdout, errors on stderr.
ExitCode EvalDuplicates(const EvalDuplicatesOptions& options);

}  // namespace winnow::cli
