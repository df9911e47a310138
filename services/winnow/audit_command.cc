#include "services/winnow/audit_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/dataset/files.h"
#include "libs/kafka/log_reader.h"
#include "services/winnow/progress.h"

namespace winnow::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kLooks = 3;
constexpr milliseconds kBetweenLooks{1'000};

// Of first and later drives.
std::uint64_t InFlight(const AuditScan& scan) {
  return scan.report.figures.in_flight + scan.report.figures.redriven_in_flight;
}

std::string Row(std::string_view name, std::uint64_t value, std::string_view note = {}) {
  return fmt::format("  {:<24}{:>14}{}{}\n", name, WithThousands(value), note.empty() ? "" : "  ",
                     note);
}

// Most frequent first.
std::string ReasonRows(const std::map<std::string, std::uint64_t>& reasons) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [reason, count] : reasons) sorted.emplace_back(count, reason);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string rows;
  for (const auto& [count, reason] : sorted) {
    rows += fmt::format("    {:<30}{:>14}\n", reason, WithThousands(count));
  }
  return rows;
}

std::string Waiting(const AuditFigures& figures) {
  std::vector<std::string> texts;
  for (const AuditStage stage : kAuditStages) {
    const std::uint64_t count = figures.waiting[static_cast<std::size_t>(stage)];
    if (count > 0) texts.push_back(fmt::format("{} {}", Name(stage), WithThousands(count)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string OutcomeRows(const AuditFigures& figures) {
  std::string rows = Row("stored", figures.stored) +
                     Row("superseded", figures.superseded) +
                     Row("rejected", figures.rejected) + ReasonRows(figures.reasons) +
                     Row("review", figures.review) + Row("deferred", figures.deferred) +
                     Row("dead", figures.dead) + ReasonRows(figures.dead_reasons);
  if (figures.settled_with_earlier > 0) {
    rows += Row("settled with an earlier", figures.settled_with_earlier,
                "the same image, sent again while it was deferred");
  }
  return rows + Row("in flight", figures.in_flight, Waiting(figures)) +
         Row("without outcome", figures.missing);
}

std::string Verdict(const AuditScan& scan) {
  std::string text;
  for (const Violation& violation : scan.report.violations) {
    text += fmt::format("\nNOT SO: {} ({})\n", violation.rule, WithThousands(violation.count));
    for (const std::string& example : violation.examples) text += fmt::format("  {}\n", example);
    if (violation.count > violation.examples.size()) text += "  ...\n";
  }
  if (!text.empty()) return text;
  return InFlight(scan) > 0
             ? "\nsound so far: no rule is broken, records are in flight\n"
             : "\nsound: every image that arrived has exactly one outcome\n";
}

// Once, or until nothing is in flight.
Result<AuditScan> Look(kafka::LogReader& reader, const AuditCommandOptions& options) {
  const auto deadline = SteadyClock::now() + std::chrono::duration<double>(options.wait_seconds);
  const AuditPlaces places = {options.connection.prefix, options.datasets};
  const auto patience = std::chrono::duration_cast<milliseconds>(
      std::chrono::duration<double>(options.patience_seconds));
  int looks = 0;
  while (true) {
    const auto began = SteadyClock::now();
    WINNOW_ASSIGN_OR_RETURN(AuditScan scan, ScanPipeline(reader, places, patience));
    const bool waits = InFlight(scan) > 0 && SteadyClock::now() < deadline;
    const bool doubts = !scan.report.violations.empty() && ++looks < kLooks;
    if (!waits && !doubts) return scan;
    if (waits) looks = 0;
    // A long audit is not repeated at once: it is a load, too.
    std::this_thread::sleep_for(std::max<SteadyClock::duration>(kBetweenLooks,
                                                                SteadyClock::now() - began));
  }
}

Result<ExitCode> Run(const AuditCommandOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const auto client, ClientOf(options.connection));
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(client));
  WINNOW_ASSIGN_OR_RETURN(const AuditScan scan, Look(*reader, options));
  fmt::print("{}", AuditTable(scan));
  if (!options.json.empty()) {
    WINNOW_RETURN_IF_ERROR(
        dataset::WriteFileAtomically(dataset::PosixFiles(), options.json, AuditJson(scan)));
  }
  const bool waited_in_vain = options.wait_seconds > 0 && InFlight(scan) > 0;
  return scan.report.violations.empty() && !waited_in_vain ? ExitCode::kOk : ExitCode::kCorrupt;
}

}  // namespace

std::string AuditTable(const AuditScan& scan) {
  const AuditFigures& figures = scan.report.figures;
  std::string table = Row("arrivals", figures.arrivals,
                          fmt::format("of {} images", WithThousands(figures.ids)));
  table += OutcomeRows(figures) + "\n";
  table += Row("images stored", figures.stored_ids,
               fmt::format("in {} shards", WithThousands(scan.parts)));
  if (figures.superseded_ids > 0) {
    table += Row("images superseded", figures.superseded_ids,
                 figures.still_in_shards == 0
                     ? ""
                     : fmt::format("{} still in shards: their sink takes them out when it "
                                   "publishes or is idle",
                                   WithThousands(figures.still_in_shards)));
  }
  table += Row("images in the reserve", figures.deferred_ids);
  if (figures.redriven > 0) table += Row("driven again", figures.redriven);
  if (figures.redriven_in_flight > 0) {
    table += Row("  of these in flight", figures.redriven_in_flight);
  }
  if (figures.expired > 0) {
    table += Row("expired", figures.expired, "outcomes of arrivals images.raw no longer holds");
  }
  if (figures.foreign > 0) {
    table += Row("foreign", figures.foreign, "messages that came in behind images.raw");
  }
  table += Row("files in staging", scan.staged_files);
  table += Row("open transactions", scan.open_transactions);
  return table + Verdict(scan);
}

std::string AuditJson(const AuditScan& scan) {
  const AuditFigures& figures = scan.report.figures;
  nlohmann::json waiting = nlohmann::json::object();
  for (const AuditStage stage : kAuditStages) {
    waiting[std::string(Name(stage))] = figures.waiting[static_cast<std::size_t>(stage)];
  }
  nlohmann::json violations = nlohmann::json::array();
  for (const Violation& violation : scan.report.violations) {
    violations.push_back({{"rule", violation.rule},
                          {"count", violation.count},
                          {"examples", violation.examples}});
  }
  const nlohmann::json json = {
      {"sound", violations.empty()},
      {"in_flight", InFlight(scan)},
      {"violations", violations},
      {"figures",
       {{"arrivals", figures.arrivals},
        {"ids", figures.ids},
        {"redriven", figures.redriven},
        {"redriven_in_flight", figures.redriven_in_flight},
        {"stored", figures.stored},
        {"superseded", figures.superseded},
        {"rejected", figures.rejected},
        {"review", figures.review},
        {"deferred", figures.deferred},
        {"dead", figures.dead},
        {"settled_with_earlier", figures.settled_with_earlier},
        {"in_flight", figures.in_flight},
        {"missing", figures.missing},
        {"waiting", waiting},
        {"stored_ids", figures.stored_ids},
        {"superseded_ids", figures.superseded_ids},
        {"still_in_shards", figures.still_in_shards},
        {"rejected_ids", figures.rejected_ids},
        {"review_ids", figures.review_ids},
        {"deferred_ids", figures.deferred_ids},
        {"reasons", figures.reasons},
        {"dead_reasons", figures.dead_reasons},
        {"expired", figures.expired},
        {"foreign", figures.foreign},
        {"parts", scan.parts},
        {"staged_files", scan.staged_files},
        {"open_transactions", scan.open_transactions}}}};
  // Ids and dead reasons come from messages: whatever is no UTF-8 must not end the audit.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

ExitCode AuditCommand(const AuditCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
