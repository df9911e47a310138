// Internal to libs/kafka: threads that work in parallel on what has no common order and in order on
// what has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libs/base/mutex.h"

namespace winnow::kafka {

class Lanes {
 public:
  using Work = std::function<void(std::size_t lane)>;

  explicit Lanes(std::size_t count);
  // Forgets what has not begun.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  std::size_t size() const { return threads_.size(); }

  // Work of one strand is done in the order submitted, one at a time; without one, at any time.
  void Submit(std::optional<std::uint64_t> strand, Work work);

  // Forgets what has not begun and waits for what has.
  void Clear();

 private:
  struct Task {
    std::optional<std::uint64_t> strand;
    Work work;
  };

  void Run(std::size_t lane);
  std::optional<Task> Take() WINNOW_REQUIRES(mutex_);
  void Finish(const Task& task) WINNOW_REQUIRES(mutex_);

  Mutex mutex_;
  CondVar work_;
  CondVar idle_;
  std::deque<Task> ready_ WINNOW_GUARDED_BY(mutex_);
  // Strands with a task that is ready or running, and what comes after it.
  std::unordered_map<std::uint64_t, std::deque<Work>> strands_ WINNOW_GUARDED_BY(mutex_);
  std::size_t running_ WINNOW_GUARDED_BY(mutex_) = 0;
  bool stopping_ WINNOW_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace winnow::kafka
