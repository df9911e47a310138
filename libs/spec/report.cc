#include "libs/spec/report.h"

#include <fmt/format.h>

namespace winnow::spec {

std::string FormatProblems(std::string_view path, const std::vector<Problem>& problems) {
  std::string report;
  for (const Problem& problem : problems) {
    if (!report.empty()) report += '\n';
    if (problem.line == 0) {
      report += fmt::format("{}: {}", path, problem.message);
    } else {
      report += fmt::format("{}:{}:{}: {}", path, problem.line, problem.column, problem.message);
    }
  }
  return report;
}

}  // namespace winnow::spec
