// When records are forgotten: time in periods, so that what was ingested together goes together.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "libs/base/clock.h"

namespace winnow::deduper {

// Whether two times are at most so far apart. Any times: no overflow.
bool IsWithin(Timestamp a, Timestamp b, double seconds);

// A window is cut into 64 periods (of a second at least). A period is over when it ended a window
// before the newest one began, so a record is remembered for 1 to 1 1/32 windows after it was
// ingested. Depends on the periods noted only, hence on state only: a restart changes nothing.
class Forgetting {
 public:
  // 0: nothing is ever forgotten.
  explicit Forgetting(double window_seconds);

  bool windowed() const { return width_ms_ > 0; }
  // 0 without a window.
  std::int64_t PeriodOf(Timestamp ingested) const;

  // Something was ingested in it. True if that is news.
  bool Note(std::int64_t period) { return periods_.insert(period).second; }
  // It holds nothing any more.
  void Drop(std::int64_t period) { periods_.erase(period); }

  // Those that hold something.
  const std::set<std::int64_t>& periods() const { return periods_; }

  // All before this period are over.
  std::int64_t FirstRemembered() const;
  std::optional<std::int64_t> OldestOver() const;

 private:
  std::int64_t width_ms_ = 0;
  std::int64_t periods_in_window_ = 0;
  std::set<std::int64_t> periods_;
};

}  // namespace winnow::deduper
