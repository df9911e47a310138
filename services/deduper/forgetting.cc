#include "services/deduper/forgetting.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace winnow::deduper {
namespace {

constexpr double kPeriodsInWindow = 64;
constexpr double kShortestMs = 1000;

double Milliseconds(Timestamp time) {
  return static_cast<double>(time.time_since_epoch().count());
}

}  // namespace

bool IsWithin(Timestamp a, Timestamp b, double seconds) {
  return std::abs(Milliseconds(a) - Milliseconds(b)) <= seconds * 1000;
}

Forgetting::Forgetting(double window_seconds) {
  if (window_seconds <= 0) return;
  const double window_ms = window_seconds * 1000;
  const double width = std::ceil(std::max(window_ms / kPeriodsInWindow, kShortestMs));
  width_ms_ = static_cast<std::int64_t>(width);
  periods_in_window_ = static_cast<std::int64_t>(std::ceil(window_ms / width));
}

std::int64_t Forgetting::PeriodOf(Timestamp ingested) const {
  if (!windowed()) return 0;
  const std::int64_t ms = ingested.time_since_epoch().count();
  return ms / width_ms_ - (ms % width_ms_ < 0 ? 1 : 0);
}

std::int64_t Forgetting::FirstRemembered() const {
  if (!windowed() || periods_.empty()) return std::numeric_limits<std::int64_t>::min();
  const std::int64_t newest = *periods_.rbegin();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min() + periods_in_window_;
  return std::max(newest, least) - periods_in_window_;
}

std::optional<std::int64_t> Forgetting::OldestOver() const {
  if (periods_.empty() || *periods_.begin() >= FirstRemembered()) return std::nullopt;
  return *periods_.begin();
}

}  // namespace winnow::deduper
