#include "tests/bench/kafka_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace winnow::bench {
namespace {

const Figures& At(const Round& round, LoopKind kind) {
  return round[static_cast<std::size_t>(kind)];
}
double RateAt(const Round& round, LoopKind kind) { return At(round, kind).records_per_second; }

Spread SpreadOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median, values.back()};
}

std::string RateText(const Cell& cell, LoopKind kind) {
  const Spread rate = RateOf(cell, kind);
  if (rate.median == 0) return "-";
  const double megabytes = rate.median * static_cast<double>(cell.message_bytes) / 1e6;
  return fmt::format("{:.0f} ({:.0f}-{:.0f}), {:.0f} MB/s, {:.1f} us", rate.median, rate.low,
                     rate.high, megabytes, CpuOf(cell, kind).median);
}

std::string RatioText(const Cell& cell, LoopKind of, LoopKind to) {
  const Spread ratio = RatioOf(cell, of, to);
  if (ratio.median == 0) return "-";
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", ratio.median, ratio.low, ratio.high);
}

std::string Row(const Cell& cell) {
  return fmt::format("| {} | {} ms | {} | {} | {} | {} | {} | {} |\n", cell.message_bytes,
                     cell.interval_ms, RateText(cell, LoopKind::kPlain),
                     RateText(cell, LoopKind::kTransactional), RateText(cell, LoopKind::kStage),
                     RatioText(cell, LoopKind::kStage, LoopKind::kTransactional),
                     RatioText(cell, LoopKind::kStage, LoopKind::kPlain),
                     RatioText(cell, LoopKind::kTransactional, LoopKind::kPlain));
}

nlohmann::json JsonOf(const Spread& spread) {
  return {{"low", spread.low}, {"median", spread.median}, {"high", spread.high}};
}

nlohmann::json JsonOf(const Cell& cell) {
  nlohmann::json json = {{"message_bytes", cell.message_bytes}, {"interval_ms", cell.interval_ms}};
  for (const LoopKind kind : kLoopKinds) {
    nlohmann::json& loop = json["records_per_second"][std::string(Name(kind))];
    loop = JsonOf(RateOf(cell, kind));
    for (const Round& round : cell.rounds) loop["rounds"].push_back(RateAt(round, kind));
    json["cpu_microseconds_per_record"][std::string(Name(kind))] = JsonOf(CpuOf(cell, kind));
  }
  json["stage_to_transactional"] =
      JsonOf(RatioOf(cell, LoopKind::kStage, LoopKind::kTransactional));
  json["stage_to_plain"] = JsonOf(RatioOf(cell, LoopKind::kStage, LoopKind::kPlain));
  json["transactional_to_plain"] =
      JsonOf(RatioOf(cell, LoopKind::kTransactional, LoopKind::kPlain));
  return json;
}

}  // namespace

std::string_view Name(LoopKind kind) {
  switch (kind) {
    case LoopKind::kPlain: return "plain";
    case LoopKind::kTransactional: return "transactional";
    case LoopKind::kStage: return "stage";
  }
  return "";
}

Spread RateOf(const Cell& cell, LoopKind kind) {
  std::vector<double> rates;
  for (const Round& round : cell.rounds) {
    if (RateAt(round, kind) > 0) rates.push_back(RateAt(round, kind));
  }
  return SpreadOf(std::move(rates));
}

Spread CpuOf(const Cell& cell, LoopKind kind) {
  std::vector<double> microseconds;
  for (const Round& round : cell.rounds) {
    const double figure = At(round, kind).cpu_microseconds_per_record;
    if (figure > 0) microseconds.push_back(figure);
  }
  return SpreadOf(std::move(microseconds));
}

Spread RatioOf(const Cell& cell, LoopKind of, LoopKind to) {
  std::vector<double> ratios;
  for (const Round& round : cell.rounds) {
    if (RateAt(round, of) > 0 && RateAt(round, to) > 0) {
      ratios.push_back(RateAt(round, of) / RateAt(round, to));
    }
  }
  return SpreadOf(std::move(ratios));
}

std::string ToMarkdown(const Report& report) {
  std::string text = fmt::format(
      "{} cores, load before {:.2f}, {} partitions, {} lanes; "
      "records/s: median (lowest-highest); us: CPU of the process a record\n\n"
      "| bytes | commit | plain | transactional | RunStage | RunStage/transactional | "
      "RunStage/plain | transactional/plain |\n|---|---|---|---|---|---|---|---|\n",
      report.machine.cores, report.machine.load_before, report.machine.partitions,
      report.machine.lanes);
  for (const Cell& cell : report.cells) text += Row(cell);
  for (const RestoreFigures& restore : report.restores) {
    text += fmt::format(
        "\nrestore of {} entries of {} bytes: {:.0f} entries/s; the topic only read: {:.0f}/s; "
        "ratio {:.2f}\n",
        restore.entries, restore.entry_bytes, restore.entries_per_second, restore.read_per_second,
        restore.entries_per_second / restore.read_per_second);
  }
  return text;
}

std::string ToJson(const Report& report) {
  nlohmann::json json = {{"cores", report.machine.cores},
                         {"load_before", report.machine.load_before},
                         {"partitions", report.machine.partitions},
                         {"lanes", report.machine.lanes}};
  for (const Cell& cell : report.cells) json["cells"].push_back(JsonOf(cell));
  for (const RestoreFigures& restore : report.restores) {
    json["restores"].push_back({{"entries", restore.entries},
                                {"entry_bytes", restore.entry_bytes},
                                {"entries_per_second", restore.entries_per_second},
                                {"read_per_second", restore.read_per_second}});
  }
  return json.dump(2) + "\n";
}

}  // namespace winnow::bench
