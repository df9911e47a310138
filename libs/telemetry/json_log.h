// The log: one JSON object per line.
//
//   {"time":"2026-03-01T12:00:00.123Z","level":"warning","service":"winnow-deduper",
//    "instance":"deduper-0","message":"...","fields":{"topic":"images.safe"}}
//
// Text may be hostile: control characters are escaped and what is not UTF-8 is replaced, so a line
// is always one line and always JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/stream/stage_observer.h"

namespace winnow::telemetry {

// Takes one line with its line end.
using LineWriter = std::function<void(std::string_view line)>;

// In one write each, so that lines of several threads do not mix.
LineWriter ToStandardError();

// A message repeated more than `kBurst` times within `kWindow` is held back until the window is
// over; the next one then says in "repeated" how many were. A message is its level and text, not
// its fields: put what varies into fields. Values of fields whose name speaks of a secret
// (password, secret, token, credential, private key) are not written.
//
// Thread-safe. `clock` must outlive the log.
class JsonLog : public stream::StageObserver {
 public:
  static constexpr int kBurst = 5;
  static constexpr std::chrono::seconds kWindow{10};

  JsonLog(std::string service, std::string instance, const Clock& clock,
          LineWriter writer = ToStandardError());

  void Write(stream::Severity severity, std::string_view message,
             const stream::EventFields& fields = {});

  // As an observer it logs events, aborted transactions and changes of what makes the service ready;
  // everything else is metrics.
  void Event(stream::Severity severity, std::string_view message,
             const stream::EventFields& fields) override;
  bool WantsConcluded(const record::ImageRecord&) const override { return false; }
  void Aborted(std::string_view why) override;
  void Is(const stream::Condition& condition) override;

 private:
  struct Repeats {
    Timestamp since{};
    int written = 0;
    std::uint64_t held_back = 0;
  };

  // What to say of it and how loud; nullopt if it is as it was, or no broker answers for a reason
  // that was told.
  std::optional<std::pair<stream::Severity, std::string_view>> Note(
      const stream::Condition& condition);
  bool IsNewReason(const std::string& why) WINNOW_REQUIRES(mutex_);
  // Number of lines held back before this one, or -1 to hold back this one, too.
  std::int64_t Admit(const std::string& key, Timestamp now) WINNOW_REQUIRES(mutex_);

  const std::string service_;
  const std::string instance_;
  const Clock& clock_;
  const LineWriter writer_;
  Mutex mutex_;
  std::map<std::string, Repeats> repeats_ WINNOW_GUARDED_BY(mutex_);
  std::optional<stream::Condition> condition_ WINNOW_GUARDED_BY(mutex_);
  std::set<std::string> reasons_told_ WINNOW_GUARDED_BY(mutex_);  // since a broker answered
};

}  // namespace winnow::telemetry
