// Internal to libs/kafka: what the polling thread sleeps on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace winnow::kafka {

// Notify may come from any thread, also before Wait: it is not lost.
class Wakeup {
 public:
  void Notify() {
    {
      const std::lock_guard lock(mutex_);
      notified_ = true;
    }
    condition_.notify_one();
  }

  void WaitUntil(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    condition_.wait_until(lock, deadline, [this] { return notified_; });
    notified_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool notified_ = false;
};

}  // namespace winnow::kafka
