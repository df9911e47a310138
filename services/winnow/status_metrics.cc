#include "services/winnow/status_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "libs/telemetry/http_get.h"

namespace winnow::cli {
namespace {

constexpr std::string_view kScheme = "http://";

// Reads label="value" pairs up to the closing brace; false if that is not what stands there.
bool ParseLabels(std::string_view text, std::size_t& at, Sample& sample) {
  while (at < text.size() && text[at] != '}') {
    const std::size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) return false;
    const std::string name(text.substr(at, equals - at));
    std::string value;
    std::size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    sample.labels[name] = std::move(value);
    at = i + 1;
    if (at < text.size() && text[at] == ',') ++at;
  }
  ++at;
  return at <= text.size();
}

std::optional<Sample> ParseSample(std::string_view line) {
  Sample sample;
  std::size_t at = line.find_first_of("{ ");
  if (line.empty() || line[0] == '#' || at == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, at);
  if (line[at] == '{' && !ParseLabels(line, ++at, sample)) return std::nullopt;
  const std::string value(line.substr(std::min(at, line.size())));
  char* end = nullptr;
  sample.value = std::strtod(value.c_str(), &end);
  if (end == value.c_str()) return std::nullopt;
  return sample;
}

Result<telemetry::HttpPlace> ParseUrl(const std::string& url) {
  const auto wrong = [&] {
    return ConfigError(fmt::format("'{}' is not a metrics address; write http://host:port", url));
  };
  if (!url.starts_with(kScheme)) return wrong();
  const std::string rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  const std::string place = rest.substr(0, slash);
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == place.size()) return wrong();
  return telemetry::HttpPlace{place.substr(0, colon), place.substr(colon + 1),
             slash == std::string::npos || slash + 1 == rest.size() ? "/metrics"
                                                                    : rest.substr(slash)};
}

std::string Label(const Sample& sample, const std::string& name) {
  const auto found = sample.labels.find(name);
  return found == sample.labels.end() ? std::string() : found->second;
}

void AddSample(const Sample& sample, StageFigures& figures) {
  if (sample.name == "winnow_records_total") {
    figures.outcomes[Label(sample, "outcome")] += sample.value;
  } else if (sample.name == "winnow_settled_total") {
    figures.settled[Label(sample, "outcome")] += sample.value;
  } else if (sample.name == "winnow_restore_remaining_records") {
    figures.restore_remaining += sample.value;
  } else if (sample.name == "winnow_in_flight_bytes") {
    figures.in_flight_bytes += sample.value;
  } else if (sample.name == "winnow_aborts_total") {
    figures.aborts += sample.value;
  }
}

}  // namespace

std::vector<Sample> ParseMetrics(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto sample = ParseSample(text.substr(0, end))) samples.push_back(std::move(*sample));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return samples;
}

Result<std::string> FetchMetrics(const std::string& url, std::chrono::milliseconds timeout) {
  WINNOW_ASSIGN_OR_RETURN(const telemetry::HttpPlace place, ParseUrl(url));
  Result<telemetry::HttpAnswer> answer = telemetry::HttpGet(place, timeout);
  if (answer && answer->status == 200) return std::move(answer->body);
  return UnavailableError(answer ? fmt::format("{} answers {}", url, answer->status)
                                 : answer.error().message);
}

void AddFigures(const std::vector<Sample>& samples, std::map<std::string, StageFigures>& stages) {
  std::map<std::string, bool> ready;
  for (const Sample& sample : samples) {
    const std::string stage = Label(sample, "stage");
    if (stage.empty()) continue;
    AddSample(sample, stages[stage]);
    if (sample.name != "winnow_ready") continue;
    ready.emplace(stage, true);
    ready[stage] = ready[stage] && sample.value == 1;
  }
  for (const auto& [stage, all] : ready) {
    ++stages[stage].answering;
    if (all) ++stages[stage].ready;
  }
}

}  // namespace winnow::cli
