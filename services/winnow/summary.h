// The end of a run, as a table for people and as JSON for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/local/totals.h"

namespace winnow::cli {

struct Summary {
  local::Totals totals;             // over all runs on this state
  std::vector<std::string> stages;  // in pipeline order
  std::uint64_t processed = 0;      // by this run
  std::uint64_t ignored_files = 0;  // in the input folder, neither image nor label
  double seconds = 0;               // this run
  bool stopped = false;
};

// {received, stored, deferred, review, rejected: {reason: count}, seconds, images_per_second,
// processed, ignored_files, complete, conserved, stages: {name: {received, forwarded, ...}}}
std::string SummaryJson(const Summary& summary);

// Per stage: received, forwarded, rejected, deferred, review, stored; then refusals by reason; then
// the law of conservation with its figures.
std::string SummaryTable(const Summary& summary);

}  // namespace winnow::cli
