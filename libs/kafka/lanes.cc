#include "libs/kafka/lanes.h"

#include <utility>

#include "libs/base/thread_name.h"

namespace winnow::kafka {

Lanes::Lanes(std::size_t count) {
  threads_.reserve(count);
  for (std::size_t lane = 0; lane < count; ++lane) {
    threads_.emplace_back([this, lane] { Run(lane); });
  }
}

Lanes::~Lanes() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Lanes::Submit(std::optional<std::uint64_t> strand, Work work) {
  const MutexLock lock(mutex_);
  if (strand) {
    const auto [queue, is_new] = strands_.try_emplace(*strand);
    if (!is_new) {
      queue->second.push_back(std::move(work));
      return;
    }
  }
  ready_.push_back({strand, std::move(work)});
  work_.NotifyOne();
}

void Lanes::Clear() {
  const MutexLock lock(mutex_);
  for (const Task& task : ready_) {
    if (task.strand) strands_.erase(*task.strand);
  }
  ready_.clear();
  for (auto& [strand, queue] : strands_) queue.clear();
  while (running_ > 0) idle_.Wait(mutex_);
}

std::optional<Lanes::Task> Lanes::Take() {
  while (ready_.empty() && !stopping_) work_.Wait(mutex_);
  if (stopping_) return std::nullopt;
  Task task = std::move(ready_.front());
  ready_.pop_front();
  ++running_;
  return task;
}

void Lanes::Finish(const Task& task) {
  if (--running_ == 0) idle_.NotifyAll();
  if (!task.strand) return;
  const auto queue = strands_.find(*task.strand);
  if (queue->second.empty()) {
    strands_.erase(queue);
    return;
  }
  ready_.push_back({task.strand, std::move(queue->second.front())});
  queue->second.pop_front();
  work_.NotifyOne();
}

void Lanes::Run(std::size_t lane) {
  NameThisThread("winnow-lane");
  mutex_.lock();
  while (std::optional<Task> task = Take()) {
    mutex_.unlock();
    task->work(lane);
    mutex_.lock();
    Finish(*task);
  }
  mutex_.unlock();
}

}  // namespace winnow::kafka
