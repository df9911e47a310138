#include "tests/bench/stage_meter.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace winnow::bench {

using stream::StageStep;

namespace {

// To ask for the CPU time of a thread takes a call of the system: of so many records one is measured.
constexpr std::uint64_t kRecordsPerSample = 16;

// Seconds on a CPU by thread name, from the kernel's own count in nanoseconds.
std::map<std::string, double> ThreadSeconds() {
  std::map<std::string, double> seconds;
  std::error_code gone;  // threads end meanwhile
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    double nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    seconds[name] += nanoseconds / 1e9;
  }
  return seconds;
}

}  // namespace

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t ThreadCpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void StageMeter::Committed(const stream::BatchReport& batch) {
  Point point = {.at = std::chrono::steady_clock::now(),
                 .records = 0,
                 .cpu_seconds = CpuSeconds(),
                 .steps = {},
                 .steps_cpu = {},
                 .threads = ThreadSeconds()};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    point.steps[i] = static_cast<double>(steps_[i].load()) / 1e9;
    point.steps_cpu[i] = static_cast<double>(steps_cpu_[i].load()) / 1e9;
  }
  const MutexLock lock(mutex_);
  point.records = batch.received + (points_.empty() ? 0 : points_.back().records);
  if (point.records >= enough_) stop_ = true;
  points_.push_back(std::move(point));
}

void StageMeter::Took(StageStep step, std::chrono::nanoseconds time) {
  steps_.at(static_cast<std::size_t>(step)) += time.count();
  CountCpu(step);
}

// Steps of a batch are counted all, of records some. The last step of each is to encode it.
void StageMeter::CountCpu(StageStep step) {
  thread_local std::int64_t counted_until = 0;
  thread_local std::uint64_t records = 0;
  const bool of_batch =
      step == StageStep::kProduce || step == StageStep::kCommit || step == StageStep::kState;
  if (of_batch || records % kRecordsPerSample == 0) {
    const std::int64_t now = ThreadCpuNanoseconds();
    const auto weight = of_batch ? std::int64_t{1} : std::int64_t{kRecordsPerSample};
    if (of_batch || records > 0) {
      steps_cpu_.at(static_cast<std::size_t>(step)) += weight * (now - counted_until);
    }
    counted_until = now;
  }
  if (step != StageStep::kEncode) return;
  if (++records % kRecordsPerSample == 0) counted_until = ThreadCpuNanoseconds();
}

std::uint64_t StageMeter::records() const {
  const MutexLock lock(mutex_);
  return points_.empty() ? 0 : points_.back().records;
}

std::size_t StageMeter::PointAt(std::uint64_t records) const {
  const auto found = std::find_if(points_.begin(), points_.end(),
                                  [&](const Point& point) { return point.records >= records; });
  return static_cast<std::size_t>(std::min(found, points_.end() - 1) - points_.begin());
}

SliceFigures StageMeter::Between(std::uint64_t from, std::uint64_t to) const {
  const MutexLock lock(mutex_);
  const std::size_t begin = PointAt(from);
  const std::size_t end = PointAt(to);
  const Point& first = points_.at(begin);
  const Point& last = points_.at(end);
  SliceFigures figures;
  figures.records = last.records - first.records;
  figures.batches = end - begin;
  if (figures.records == 0) return figures;
  const auto a_record = [&](double seconds) {
    return 1e6 * seconds / static_cast<double>(figures.records);
  };
  const std::chrono::duration<double> seconds = last.at - first.at;
  figures.records_per_second = static_cast<double>(figures.records) / seconds.count();
  figures.cpu_microseconds = a_record(last.cpu_seconds - first.cpu_seconds);
  for (std::size_t i = 0; i < last.steps.size(); ++i) {
    figures.step_microseconds[i] = a_record(last.steps[i] - first.steps[i]);
    figures.step_cpu_microseconds[i] = a_record(last.steps_cpu[i] - first.steps_cpu[i]);
  }
  for (const auto& [name, used] : last.threads) {
    const auto before = first.threads.find(name);
    figures.thread_cpu_microseconds[name] =
        a_record(used - (before == first.threads.end() ? 0 : before->second));
  }
  return figures;
}

}  // namespace winnow::bench
