#include "libs/telemetry/json_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

namespace winnow::telemetry {
namespace {

using Json = nlohmann::ordered_json;
using stream::Severity;

// Different messages remembered; beyond, all are forgotten at once, which may let a few repeats
// through.
constexpr std::size_t kMostMessages = 1000;

// Different reasons told of one outage.
constexpr std::size_t kMostReasons = 10;

// A reason of librdkafka without what changes with every attempt:
// "... Connection refused (after 3ms in state CONNECT, 2 identical error(s) suppressed)".
std::string WithoutFigures(const std::string& why) {
  std::string words = why.substr(0, why.find(" (after "));
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](unsigned char c) { return std::isdigit(c) != 0; }),
              words.end());
  return words;
}

std::string_view Name(stream::Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  return "error";
}

std::string Iso8601(Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (time - seconds).count());
}

bool SpeaksOfSecret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* word : {"password", "secret", "token", "credential", "private", "ssl.key.pem"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

Json ToJson(const stream::EventFields& fields) {
  Json object = Json::object();
  for (const auto& [name, value] : fields) {
    object[name] = SpeaksOfSecret(name) ? "(not written)" : value;
  }
  return object;
}

}  // namespace

LineWriter ToStandardError() {
  return [](std::string_view line) {
    while (!line.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
  };
}

JsonLog::JsonLog(std::string service, std::string instance, const Clock& clock, LineWriter writer)
    : service_(std::move(service)),
      instance_(std::move(instance)),
      clock_(clock),
      writer_(std::move(writer)) {}

std::int64_t JsonLog::Admit(const std::string& key, Timestamp now) {
  if (repeats_.size() >= kMostMessages && repeats_.count(key) == 0) repeats_.clear();
  Repeats& repeats = repeats_[key];
  // A clock set back begins a window, too.
  if (repeats.written == 0 || now - repeats.since >= kWindow || now < repeats.since) {
    const auto held_back = static_cast<std::int64_t>(repeats.held_back);
    repeats = {now, 1, 0};
    return held_back;
  }
  if (repeats.written < kBurst) {
    ++repeats.written;
    return 0;
  }
  ++repeats.held_back;
  return -1;
}

void JsonLog::Write(stream::Severity severity, std::string_view message,
                    const stream::EventFields& fields) {
  const Timestamp now = clock_.Now();
  MutexLock lock(mutex_);
  const std::int64_t held_back = Admit(fmt::format("{} {}", Name(severity), message), now);
  if (held_back < 0) return;
  Json line = {{"time", Iso8601(now)},
               {"level", Name(severity)},
               {"service", service_},
               {"instance", instance_},
               {"message", message}};
  if (held_back > 0) line["repeated"] = held_back;
  if (!fields.empty()) line["fields"] = ToJson(fields);
  writer_(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void JsonLog::Event(stream::Severity severity, std::string_view message,
                    const stream::EventFields& fields) {
  Write(severity, message, fields);
}

void JsonLog::Aborted(std::string_view why) {
  Write(Severity::kWarning, "transaction given up; its records are read again",
        {{"why", std::string(why)}});
}

bool JsonLog::IsNewReason(const std::string& why) {
  if (why.empty() || reasons_told_.size() >= kMostReasons) return false;
  return reasons_told_.insert(WithoutFigures(why)).second;
}

std::optional<std::pair<Severity, std::string_view>> JsonLog::Note(
    const stream::Condition& condition) {
  MutexLock lock(mutex_);
  const std::optional<stream::Condition> before = std::exchange(condition_, condition);
  if (before && before->assigned == condition.assigned &&
      before->restored == condition.restored && before->reachable == condition.reachable) {
    // The reason comes after the fact, and the one to act on may come last: a connection that is
    // closed first, a password that is refused at the next attempt.
    if (condition.reachable || !IsNewReason(condition.why)) return std::nullopt;
    return std::pair(Severity::kWarning, "no broker answers");
  }
  if (condition.reachable) {
    reasons_told_.clear();
  } else {
    IsNewReason(condition.why);  // it goes with what is told now
  }
  if (!condition.reachable && before && before->reachable) {
    return std::pair(Severity::kWarning, "no broker answers any more");
  }
  if (!condition.reachable) {
    const bool odd = !condition.why.empty();
    return std::pair(odd ? Severity::kWarning : Severity::kInfo, "no broker has answered yet");
  }
  const bool ready = condition.assigned && condition.restored;
  return std::pair(Severity::kInfo, ready ? "ready" : "not ready yet");
}

void JsonLog::Is(const stream::Condition& condition) {
  const auto note = Note(condition);
  if (!note) return;
  const auto text = [](bool holds) { return std::string(holds ? "true" : "false"); };
  stream::EventFields fields = {{"reachable", text(condition.reachable)},
                                {"assigned", text(condition.assigned)},
                                {"restored", text(condition.restored)}};
  if (!condition.why.empty()) fields.emplace_back("why", condition.why);
  Write(note->first, note->second, fields);
}

}  // namespace winnow::telemetry
