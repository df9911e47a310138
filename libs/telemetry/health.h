// Is it alive, is it ready: what orchestrators ask before they restart a process or rely on it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "libs/base/mutex.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/http_listener.h"

namespace winnow::telemetry {

struct HealthOptions {
  std::string brokers;  // named when they do not answer
  // With work in flight and a broker that answers, this long without a sign of life from the runner
  // means it is stuck. Longer than any image takes and than a transaction may.
  std::chrono::nanoseconds stalled_after = std::chrono::minutes(5);
  const std::atomic<bool>* stopping = nullptr;  // set: no longer ready. May be null
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
  std::string instance = {};  // named when another process of it took over
};

// Every call of the runner is a sign of life. Thread-safe.
class Health : public stream::StageObserver {
 public:
  explicit Health(HealthOptions options);

  // 200 or 503, {"alive":true}. Not alive only if stuck: a restart mends no broker, so without one
  // the process lives on.
  HttpAnswer Live() const;
  // 200 if all checks hold, else 503:
  // {"ready":false,"failing":{"reachable":"no broker of localhost:9092 answers"}}
  HttpAnswer Ready() const;

  void Committed(const stream::BatchReport&) override { Beat(); }
  void Concluded(const record::ImageRecord&) override { Beat(); }
  // Committed tells as much.
  bool WantsConcluded(const record::ImageRecord&) const override { return false; }
  void Aborted(std::string_view) override { Beat(); }
  void Took(stream::StageStep, std::chrono::nanoseconds) override { Beat(); }
  void InFlight(std::uint64_t bytes) override;
  void Lag(const std::string&, int, std::uint64_t) override { Beat(); }
  void Revoked(const std::string&, int) override { Beat(); }
  void Restoring(int, std::uint64_t, std::uint64_t) override { Beat(); }
  // From now on alive and not ready, to the end.
  void Fenced() override { fenced_ = true; }
  bool fenced() const { return fenced_; }
  void Is(const stream::Condition& condition) override;
  void Event(stream::Severity, std::string_view, const stream::EventFields&) override { Beat(); }

 private:
  void Beat();
  bool stopping() const;
  stream::Condition condition() const;
  // What stands against `running`; empty if nothing does.
  std::string NotRunning() const;
  std::string Unreachable(const stream::Condition& condition) const;

  const HealthOptions options_;
  std::atomic<std::chrono::steady_clock::rep> last_beat_;
  std::atomic<std::uint64_t> in_flight_ = 0;
  std::atomic<bool> fenced_ = false;
  mutable Mutex mutex_;
  stream::Condition condition_ WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::telemetry
