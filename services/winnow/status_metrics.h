// What services say of themselves on /metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"

namespace winnow::cli {

// One series of the Prometheus text format 0.0.4.
struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// Lines that are not samples are passed over.
std::vector<Sample> ParseMetrics(std::string_view text);

// The body of "http://host:port/path" (path /metrics if there is none; plain HTTP). kConfig for
// another kind of URL, kUnavailable if nobody answers 200 in time.
Result<std::string> FetchMetrics(const std::string& url, std::chrono::milliseconds timeout);

// What the instances of a stage add up to.
struct StageFigures {
  std::map<std::string, double> outcomes;  // winnow_records_total, by outcome
  std::map<std::string, double> settled;   // winnow_settled_total, by outcome
  double restore_remaining = 0;
  double in_flight_bytes = 0;
  double aborts = 0;
  int ready = 0;      // instances of which every check holds
  int answering = 0;  // instances that were asked and answered
};

// Adds one instance's samples to the figures of the stage its labels name.
void AddFigures(const std::vector<Sample>& samples, std::map<std::string, StageFigures>& stages);

}  // namespace winnow::cli
