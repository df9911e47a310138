#include "tests/bench/commit_window.h"

namespace winnow::bench {

void CommitWindow::Committed(std::uint64_t records) {
  const MutexLock lock(mutex_);
  const std::uint64_t before = points_.empty() ? 0 : points_.back().records;
  points_.push_back({std::chrono::steady_clock::now(), before + records});
}

bool CommitWindow::UsedUp() const {
  return !points_.empty() && points_.back().records >= input_;
}

bool CommitWindow::LongEnough() const {
  return !points_.empty() && points_.back().at - points_.front().at >= length_;
}

bool CommitWindow::finished() const {
  const MutexLock lock(mutex_);
  return UsedUp() || LongEnough();
}

std::uint64_t CommitWindow::records() const {
  const MutexLock lock(mutex_);
  return points_.empty() ? 0 : points_.back().records;
}

bool CommitWindow::ran_out() const {
  const MutexLock lock(mutex_);
  return UsedUp() && !LongEnough();
}

double CommitWindow::records_per_second() const {
  const MutexLock lock(mutex_);
  const std::size_t usable = points_.size() - (UsedUp() && !points_.empty() ? 1 : 0);
  if (usable < 2) return 0;
  const Point& first = points_.front();
  const Point& last = points_[usable - 1];
  const std::chrono::duration<double> seconds = last.at - first.at;
  return static_cast<double>(last.records - first.records) / seconds.count();
}

}  // namespace winnow::bench
