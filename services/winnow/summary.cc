#include "services/winnow/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "services/winnow/progress.h"

namespace winnow::cli {
namespace {

using record::Disposition;

double ImagesPerSecond(const Summary& summary) {
  return summary.seconds > 0 ? static_cast<double>(summary.processed) / summary.seconds : 0;
}

nlohmann::json StageJson(const local::Totals& totals, const std::string& stage) {
  nlohmann::json json = {{"received", totals.Received(stage)}};
  for (const Disposition disposition : record::kAllDispositions) {
    json[std::string(record::Name(disposition))] = totals.Of(stage, disposition);
  }
  return json;
}

std::string StageRows(const Summary& summary) {
  std::string rows = fmt::format("{:<16}{:>10}{:>11}{:>10}{:>10}{:>8}{:>10}\n", "stage", "received",
                                 "forwarded", "rejected", "deferred", "review", "stored");
  for (const std::string& stage : summary.stages) {
    const auto count = [&](Disposition disposition) {
      return WithThousands(summary.totals.Of(stage, disposition));
    };
    rows += fmt::format("{:<16}{:>10}{:>11}{:>10}{:>10}{:>8}{:>10}\n", stage,
                        WithThousands(summary.totals.Received(stage)),
                        count(Disposition::kForwarded), count(Disposition::kRejected),
                        count(Disposition::kDeferred), count(Disposition::kReview),
                        count(Disposition::kStored));
  }
  return rows;
}

std::string ReasonRows(const local::Totals& totals) {
  std::string rows;
  for (const Disposition disposition :
       {Disposition::kRejected, Disposition::kReview, Disposition::kDeferred}) {
    for (const auto& [reason, count] : totals.EndedByReason(disposition)) {
      rows += fmt::format("{:<9} {:<22}{:>10}  {}\n", record::Name(disposition),
                          record::Name(reason), WithThousands(count), record::Explain(reason));
    }
  }
  return rows;
}

}  // namespace

std::string SummaryJson(const Summary& summary) {
  const local::Totals& totals = summary.totals;
  nlohmann::json json = {{"received", totals.Received()},
                         {"stored", totals.Ended(Disposition::kStored)},
                         {"deferred", totals.Ended(Disposition::kDeferred)},
                         {"review", totals.Ended(Disposition::kReview)},
                         {"rejected", nlohmann::json::object()},
                         {"processed", summary.processed},
                         {"ignored_files", summary.ignored_files},
                         {"seconds", summary.seconds},
                         {"images_per_second", ImagesPerSecond(summary)},
                         {"complete", !summary.stopped},
                         {"conserved", totals.Conserved(summary.stages)},
                         {"stages", nlohmann::json::object()}};
  for (const auto& [reason, count] : totals.EndedByReason(Disposition::kRejected)) {
    json["rejected"][std::string(record::Name(reason))] = count;
  }
  for (const std::string& stage : summary.stages) {
    json["stages"][stage] = StageJson(totals, stage);
  }
  return json.dump(2) + "\n";
}

std::string SummaryTable(const Summary& summary) {
  const local::Totals& totals = summary.totals;
  std::string table = StageRows(summary);
  const std::string reasons = ReasonRows(totals);
  if (!reasons.empty()) table += "\n" + reasons;
  table += fmt::format(
      "\nreceived {} = stored {} + deferred {} + rejected {} + review {}{}\n",
      WithThousands(totals.Received()), WithThousands(totals.Ended(Disposition::kStored)),
      WithThousands(totals.Ended(Disposition::kDeferred)),
      WithThousands(totals.Ended(Disposition::kRejected)),
      WithThousands(totals.Ended(Disposition::kReview)),
      totals.Conserved(summary.stages) ? "" : "  NOT CONSERVED: please report this");
  if (summary.ignored_files > 0) {
    table += fmt::format("{} files in the input are neither images nor labels and were ignored\n",
                         WithThousands(summary.ignored_files));
  }
  return table + fmt::format("{} images in {} ({:.3g} images/s)\n",
                             WithThousands(summary.processed), AsClock(summary.seconds),
                             ImagesPerSecond(summary));
}

}  // namespace winnow::cli
