// The table of `winnow status`: what it shows, and how.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/winnow/status_metrics.h"

namespace winnow::cli {

struct StageRow {
  std::string stage;
  std::size_t instances = 0;  // members of its group
  std::size_t assigned = 0;   // partitions they have
  std::size_t partitions = 0;
  std::uint64_t lag = 0;      // messages not yet worked on
  std::optional<double> in_rate;   // offsets a second; absent before the second look
  std::optional<double> out_rate;  // absent for the sink
  std::optional<StageFigures> figures;  // absent without metrics
};

// A topic that collects outcomes.
struct OutcomeRow {
  std::string name;         // "rejected"
  std::uint64_t count = 0;
  bool at_most = false;     // counted by offsets, of which transactions take some
  std::optional<double> rate;
};

struct StatusBoard {
  std::string title;
  std::vector<StageRow> stages;
  std::vector<OutcomeRow> outcomes;
  std::vector<std::string> silent;  // metrics addresses that do not answer
};

// What keeps the pipeline from working, a line each: addresses that do not answer, stages without a
// ready instance among those asked.
std::vector<std::string> Unready(const StatusBoard& board);

// At most 100 columns wide, for stages and counts of any size that occur.
std::string BoardText(const StatusBoard& board);

}  // namespace winnow::cli
