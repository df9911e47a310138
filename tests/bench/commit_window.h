// When how much was committed: a rate that neither joining a group nor the first batch nor the end
// of the input is part of.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "libs/base/mutex.h"

namespace winnow::bench {

// Thread-safe.
class CommitWindow {
 public:
  // `input`: records there are. Measures for `length` from the first commit on.
  CommitWindow(std::chrono::milliseconds length, std::uint64_t input)
      : length_(length), input_(input) {}

  // To be told at once after each commit.
  void Committed(std::uint64_t records);

  // No more commits are needed: `length` has passed, or the input is used up.
  bool finished() const;
  std::uint64_t records() const;  // committed in all
  bool ran_out() const;           // the input was used up before `length` had passed

  // From the first commit to the last; without the last if the input ran out, since that batch
  // waited for records in vain. 0 with fewer than two commits.
  double records_per_second() const;

 private:
  struct Point {
    std::chrono::steady_clock::time_point at;
    std::uint64_t records = 0;  // committed until then
  };

  bool UsedUp() const WINNOW_REQUIRES(mutex_);
  bool LongEnough() const WINNOW_REQUIRES(mutex_);

  const std::chrono::milliseconds length_;
  const std::uint64_t input_;
  mutable Mutex mutex_;
  std::vector<Point> points_ WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::bench
