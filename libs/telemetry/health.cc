#include "libs/telemetry/health.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace winnow::telemetry {
namespace {

using Json = nlohmann::ordered_json;
using Instant = std::chrono::steady_clock::time_point;
using Ticks = std::chrono::steady_clock::duration;

HttpAnswer JsonAnswer(int status, const Json& body) {
  return {status, "application/json",
          body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

}  // namespace

Health::Health(HealthOptions options)
    : options_(std::move(options)), last_beat_(options_.now().time_since_epoch().count()) {}

void Health::Beat() { last_beat_ = options_.now().time_since_epoch().count(); }

void Health::InFlight(std::uint64_t bytes) {
  in_flight_ = bytes;
  Beat();
}

void Health::Is(const stream::Condition& condition) {
  Beat();
  MutexLock lock(mutex_);
  condition_ = condition;
}

bool Health::stopping() const {
  return options_.stopping != nullptr && options_.stopping->load();
}

std::string Health::NotRunning() const {
  if (fenced_) {
    return "fenced: another process runs as instance " + options_.instance + "; this one ends";
  }
  return stopping() ? "asked to stop: it finishes what it has begun" : "";
}

std::string Health::Unreachable(const stream::Condition& condition) const {
  const std::string none = "no broker of " + options_.brokers + " answers";
  return condition.why.empty() ? none : none + ": " + condition.why;
}

stream::Condition Health::condition() const {
  MutexLock lock(mutex_);
  return condition_;
}

HttpAnswer Health::Live() const {
  const auto silent = options_.now() - Instant(Ticks(last_beat_.load()));
  const bool stuck =
      !fenced_ && in_flight_ > 0 && condition().reachable && silent >= options_.stalled_after;
  if (!stuck) return JsonAnswer(200, {{"alive", true}});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silent).count();
  return JsonAnswer(503, {{"alive", false},
                          {"stuck_for_seconds", seconds},
                          {"bytes_in_flight", in_flight_.load()}});
}

HttpAnswer Health::Ready() const {
  const stream::Condition now = condition();
  Json failing = Json::object();
  if (const std::string why = NotRunning(); !why.empty()) failing["running"] = why;
  if (!now.reachable) failing["reachable"] = Unreachable(now);
  if (!now.assigned) failing["assigned"] = "the group has not given it its partitions";
  if (!now.restored) failing["restored"] = "the state of its partitions is not rebuilt";
  if (failing.empty()) return JsonAnswer(200, {{"ready", true}});
  return JsonAnswer(503, {{"ready", false}, {"failing", failing}});
}

}  // namespace winnow::telemetry
