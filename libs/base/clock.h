// Time as an argument: only the process shell reads a real clock.
#pragma once

#include <chrono>

namespace winnow {

// UTC, millisecond precision.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;
};

class SystemClock : public Clock {
 public:
  Timestamp Now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
};

// Stands still until told. For tests and for runs that must not depend on the hour.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Timestamp now = {}) : now_(now) {}
  Timestamp Now() const override { return now_; }
  void Advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  Timestamp now_;
};

}  // namespace winnow
