// A bound on what is in flight, in bytes and in records.
#pragma once

#include <algorithm>
#include <cstdint>

#include "libs/base/mutex.h"

namespace winnow::local {

// Admits records while their bytes fit. One larger than the whole budget is admitted alone.
// Thread-safe.
class InFlightBudget {
 public:
  InFlightBudget(std::uint64_t max_bytes, std::uint64_t max_records)
      : max_bytes_(max_bytes), max_records_(max_records) {}

  // Waits for room. False once Close was called.
  bool Acquire(std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    while (!closed_ && !Fits(bytes)) room_.Wait(mutex_);
    if (closed_) return false;
    bytes_ += bytes;
    ++records_;
    peak_bytes_ = std::max(peak_bytes_, bytes_);
    return true;
  }

  void Release(std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    bytes_ -= bytes;
    --records_;
    room_.NotifyAll();
  }

  // Wakes all waiters; nothing is admitted any more.
  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    room_.NotifyAll();
  }

  // The most that was ever in flight.
  std::uint64_t peak_bytes() const {
    const MutexLock lock(mutex_);
    return peak_bytes_;
  }

 private:
  bool Fits(std::uint64_t bytes) const WINNOW_REQUIRES(mutex_) {
    return records_ == 0 || (bytes_ + bytes <= max_bytes_ && records_ < max_records_);
  }

  const std::uint64_t max_bytes_;
  const std::uint64_t max_records_;
  mutable Mutex mutex_;
  CondVar room_;
  std::uint64_t bytes_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t records_ WINNOW_GUARDED_BY(mutex_) = 0;
  std::uint64_t peak_bytes_ WINNOW_GUARDED_BY(mutex_) = 0;
  bool closed_ WINNOW_GUARDED_BY(mutex_) = false;
};

}  // namespace winnow::local
