#include "libs/local/lane_pool.h"

namespace winnow::local {

LanePool::LanePool(std::vector<LaneTask> tasks) : pinned_(tasks.size()) {
  threads_.reserve(tasks.size());
  for (std::size_t lane = 0; lane < tasks.size(); ++lane) {
    threads_.emplace_back([this, lane, task = std::move(tasks[lane])] { Work(lane, task); });
  }
}

LanePool::~LanePool() {
  {
    const MutexLock lock(mutex_);
    abandoned_ = true;
    work_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void LanePool::Submit(std::uint64_t sequence, stream::SourceEntry entry) {
  const MutexLock lock(mutex_);
  if (!next_) next_ = sequence;
  ++unfinished_;
  if (entry.order_key.empty()) {
    shared_.push_back({sequence, std::move(entry)});
  } else {
    const std::size_t lane = std::hash<std::string>()(entry.order_key) % pinned_.size();
    pinned_[lane].push_back({sequence, std::move(entry)});
  }
  work_.NotifyAll();
}

void LanePool::Finish() {
  const MutexLock lock(mutex_);
  finished_ = true;
  work_.NotifyAll();
  done_.NotifyAll();
}

std::optional<Result<LaneResult>> LanePool::Next() {
  const MutexLock lock(mutex_);
  while (true) {
    if (next_) {
      if (const auto result = results_.find(*next_); result != results_.end()) {
        Result<LaneResult> given = std::move(result->second);
        results_.erase(result);
        ++*next_;
        --unfinished_;
        return given;
      }
    }
    if (finished_ && unfinished_ == 0) return std::nullopt;
    done_.Wait(mutex_);
  }
}

std::optional<LanePool::Job> LanePool::Take(std::size_t lane) {
  const MutexLock lock(mutex_);
  while (!abandoned_) {
    for (std::deque<Job>* const queue : {&pinned_[lane], &shared_}) {
      if (queue->empty()) continue;
      Job job = std::move(queue->front());
      queue->pop_front();
      return job;
    }
    if (finished_) break;
    work_.Wait(mutex_);
  }
  return std::nullopt;
}

void LanePool::Work(std::size_t lane, const LaneTask& task) {
  while (std::optional<Job> job = Take(lane)) {
    Result<LaneResult> result = task(job->sequence, job->entry);
    const MutexLock lock(mutex_);
    results_.emplace(job->sequence, std::move(result));
    done_.NotifyOne();
  }
}

}  // namespace winnow::local
