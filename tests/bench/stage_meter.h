// A stage measured while it runs: rates, CPU time and the time of each step between any two numbers
// of records.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/stream/stage_observer.h"

namespace winnow::bench {

using StepFigures = std::array<double, std::size(stream::kAllStageSteps)>;

// Of the records between two commits; everything a record.
struct SliceFigures {
  std::uint64_t records = 0;
  double records_per_second = 0;
  double cpu_microseconds = 0;  // of the process, user and system
  StepFigures step_microseconds{};  // by the clock
  // Of the thread that takes the step, with what it does beside the steps: a lane's between two
  // records counts as "decode", the committer's between two batches as "produce".
  StepFigures step_cpu_microseconds{};
  std::map<std::string, double> thread_cpu_microseconds;  // by name; namesakes together
  std::uint64_t batches = 0;
};

// Thread-safe. Sets `stop` once `enough` records are committed.
class StageMeter : public stream::StageObserver {
 public:
  StageMeter(std::uint64_t enough, std::atomic<bool>& stop) : enough_(enough), stop_(stop) {}

  void Committed(const stream::BatchReport& batch) override;
  bool WantsConcluded(const record::ImageRecord&) const override { return false; }
  void Took(stream::StageStep step, std::chrono::nanoseconds time) override;

  // From the first commit at or after `from` records to the first at or after `to`, which must be
  // there. From 0: from the first commit.
  SliceFigures Between(std::uint64_t from, std::uint64_t to) const;
  std::uint64_t records() const;

 private:
  struct Point {
    std::chrono::steady_clock::time_point at;
    std::uint64_t records = 0;
    double cpu_seconds = 0;
    StepFigures steps{};      // seconds
    StepFigures steps_cpu{};  // seconds
    std::map<std::string, double> threads;
  };

  std::size_t PointAt(std::uint64_t records) const WINNOW_REQUIRES(mutex_);

  const std::uint64_t enough_;
  std::atomic<bool>& stop_;
  void CountCpu(stream::StageStep step);

  std::array<std::atomic<std::int64_t>, std::size(stream::kAllStageSteps)> steps_{};      // ns
  std::array<std::atomic<std::int64_t>, std::size(stream::kAllStageSteps)> steps_cpu_{};  // ns
  mutable Mutex mutex_;
  std::vector<Point> points_ WINNOW_GUARDED_BY(mutex_);
};

// User and system, of this process so far.
double CpuSeconds();

// Of this thread so far.
std::int64_t ThreadCpuNanoseconds();

}  // namespace winnow::bench
