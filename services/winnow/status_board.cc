#include "services/winnow/status_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "services/winnow/progress.h"

namespace winnow::cli {
namespace {

// "1,204", "12.3k", "4.56M": never more than seven columns.
std::string Short(double number) {
  if (number < 100'000) return WithThousands(static_cast<std::uint64_t>(std::llround(number)));
  if (number < 1e6) return fmt::format("{:.0f}k", number / 1e3);
  if (number < 1e9) return fmt::format("{:.2f}M", number / 1e6);
  return fmt::format("{:.2f}G", number / 1e9);
}

std::string Rate(const std::optional<double>& rate) {
  if (!rate) return "-";
  return *rate > 0 && *rate < 10 ? fmt::format("{:.1f}", *rate) : Short(*rate);
}

std::string StateOf(const StageRow& row) {
  if (row.instances == 0) return "nobody runs it";
  if (row.figures && row.figures->restore_remaining > 0) {
    return fmt::format("restoring, {} left", Short(row.figures->restore_remaining));
  }
  if (row.figures && row.figures->ready < row.figures->answering) {
    return fmt::format("{} of {} ready", row.figures->ready, row.figures->answering);
  }
  if (row.assigned < row.partitions) return "partitions unassigned";
  return row.lag == 0 ? "caught up" : "working";
}

std::string StageRows(const std::vector<StageRow>& rows) {
  std::string text = fmt::format("{:<16}{:>9}{:>12}{:>10}{:>10}{:>10}   {}\n", "STAGE",
                                 "INSTANCES", "PARTITIONS", "LAG", "IN/S", "OUT/S", "STATE");
  for (const StageRow& row : rows) {
    text += fmt::format("{:<16}{:>9}{:>12}{:>10}{:>10}{:>10}   {}\n", row.stage, row.instances,
                        fmt::format("{}/{}", row.assigned, row.partitions),
                        Short(static_cast<double>(row.lag)), Rate(row.in_rate),
                        Rate(row.out_rate), StateOf(row));
  }
  return text;
}

constexpr std::array kOutcomes = {"forwarded", "stored", "rejected", "deferred", "review", "dead"};

std::string Counts(const std::map<std::string, double>& outcomes) {
  std::string text;
  for (const char* outcome : kOutcomes) {
    const auto found = outcomes.find(outcome);
    const double count = found == outcomes.end() ? 0 : found->second;
    text += fmt::format("{:>10}", count == 0 ? "-" : Short(count));
  }
  return text;
}

bool AnyOf(const std::map<std::string, double>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const auto& outcome) { return outcome.second > 0; });
}

// Since each instance's start, as it counts.
std::string FigureRows(const std::vector<StageRow>& rows) {
  std::string text;
  for (const StageRow& row : rows) {
    if (!row.figures) continue;
    text += fmt::format("{:<16}{}{:>8}{:>12}\n", row.stage, Counts(row.figures->outcomes),
                        Short(row.figures->aborts),
                        fmt::format("{:.1f} MB", row.figures->in_flight_bytes / 1e6));
    if (AnyOf(row.figures->settled)) {
      text += fmt::format("{:<16}{}\n", "  its reserve", Counts(row.figures->settled));
    }
  }
  if (text.empty()) return text;
  std::string head = fmt::format("{:<16}", "SINCE START");
  for (const char* outcome : kOutcomes) head += fmt::format("{:>10}", outcome);
  return fmt::format("\n{}{:>8}{:>12}\n{}", head, "aborts", "in flight", text);
}

std::string OutcomeRows(const std::vector<OutcomeRow>& rows) {
  std::string text = "\n";
  for (const OutcomeRow& row : rows) {
    const std::string count =
        (row.at_most && row.count > 0 ? "<= " : "") + WithThousands(row.count);
    text += fmt::format("{:<16}{:>17}", row.name, count);
    if (row.rate && *row.rate > 0) text += fmt::format("{:>11}/s", Rate(row.rate));
    text += "\n";
  }
  return text;
}

}  // namespace

std::vector<std::string> Unready(const StatusBoard& board) {
  std::vector<std::string> lines;
  for (const std::string& url : board.silent) lines.push_back(url + " does not answer");
  for (const StageRow& row : board.stages) {
    if (row.figures && row.figures->ready > 0) continue;
    lines.push_back(row.figures ? row.stage + " is not ready: its /readyz says why"
                                : row.stage + " was not asked or does not answer");
  }
  return lines;
}

std::string BoardText(const StatusBoard& board) {
  std::string text = board.title + "\n\n" + StageRows(board.stages) + FigureRows(board.stages) +
                     OutcomeRows(board.outcomes);
  for (const std::string& url : board.silent) text += fmt::format("\nno answer from {}", url);
  return board.silent.empty() ? text : text + "\n";
}

}  // namespace winnow::cli
