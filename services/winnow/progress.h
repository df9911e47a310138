// The live line of a long run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "libs/local/totals.h"
#include "services/winnow/live_line.h"

namespace winnow::cli {

// What a progress line says.
struct ProgressState {
  std::uint64_t done = 0;   // images, this run and earlier ones
  std::uint64_t fresh = 0;  // of these, this run: the base of the rate
  std::optional<std::uint64_t> total;
  double seconds = 0;       // of this run
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;
  std::uint64_t deferred = 0;
  std::uint64_t review = 0;
};

// "1,204 of 10,000 images  12 %  85/s  1:43 left  stored 900  rejected 120  deferred 84  review 0"
std::string FormatProgress(const ProgressState& state);

// 1234567 -> "1,234,567"; seconds -> "1:43" or "2:03:09".
std::string WithThousands(std::uint64_t number);
std::string AsClock(double seconds);

// The live line of `winnow run`. One thread.
class Progress {
 public:
  // `total`: images the source will give, done ones included.
  Progress(std::FILE* out, std::optional<std::uint64_t> total);

  void Update(const local::Totals& totals);

  double seconds() const { return line_.seconds(); }

 private:
  LiveLine line_;
  const std::optional<std::uint64_t> total_;
  std::optional<std::uint64_t> before_;  // done when this run began
};

}  // namespace winnow::cli
