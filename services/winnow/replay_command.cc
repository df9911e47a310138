#include "services/winnow/replay_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "libs/base/clock.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "services/winnow/progress.h"
#include "services/winnow/replay_plan.h"

namespace winnow::cli {
namespace {

using kafka::LogEntry;

constexpr std::uint64_t kBytesUnderWay = 64u << 20;
constexpr auto kFlushTimeout = std::chrono::seconds(330);

struct Outcome {
  std::uint64_t driven = 0;
  std::uint64_t gone = 0;     // the log does not hold them any more
  std::uint64_t empty = 0;    // never had a value
  std::uint64_t too_large = 0;
};

class Driver {
 public:
  Driver(kafka::LogReader& reader, kafka::RecordProducer* producer)
      : reader_(reader), producer_(producer) {}

  Result<Outcome> Run(const std::vector<Redrive>& redrives) {
    for (const auto& [place, at] : ByPartition(redrives)) {
      WINNOW_RETURN_IF_ERROR(DrivePartition(place, at));
    }
    if (producer_ != nullptr) WINNOW_RETURN_IF_ERROR(producer_->Flush(kFlushTimeout));
    if (failure_) return *failure_;
    return outcome_;
  }

 private:
  using Place = std::pair<std::string, int>;
  // More than one refusal can have come from one arrival.
  using At = std::multimap<std::int64_t, const Redrive*>;

  static std::map<Place, At> ByPartition(const std::vector<Redrive>& redrives) {
    std::map<Place, At> sorted;
    for (const Redrive& redrive : redrives) {
      sorted[{redrive.source.topic, redrive.source.partition}].emplace(redrive.source.offset,
                                                                       &redrive);
    }
    return sorted;
  }

  Status DrivePartition(const Place& place, const At& at) {
    std::vector<std::int64_t> offsets;
    for (const auto& [offset, redrive] : at) {
      if (offsets.empty() || offsets.back() != offset) offsets.push_back(offset);
    }
    std::uint64_t found = 0;
    std::vector<const Redrive*> left_behind;
    WINNOW_RETURN_IF_ERROR(
        reader_.ReadOffsets(place.first, place.second, offsets, [&](const LogEntry& entry) {
          const auto [first, last] = at.equal_range(entry.offset);
          for (auto it = first; it != last; ++it, ++found) {
            if (!entry.value || entry.value->empty()) {
              left_behind.push_back(it->second);
            } else {
              Drive(*it->second, entry);
            }
          }
          return !failure_;
        }));
    if (failure_) return *failure_;
    outcome_.gone += at.size() - found;
    for (const Redrive* redrive : left_behind) {
      WINNOW_RETURN_IF_ERROR(DriveFromPlace(*redrive));
    }
    return {};
  }

  // A letter too large for images.dead is without its message, which is where it was read.
  Status DriveFromPlace(const Redrive& redrive) {
    const kafka::Origin& letter = redrive.letter;
    if (letter.topic.empty()) {
      ++outcome_.empty;
      return {};
    }
    bool found = false;
    WINNOW_RETURN_IF_ERROR(reader_.ReadOffsets(
        letter.topic, letter.partition, {letter.offset}, [&](const LogEntry& entry) {
          found = true;
          if (!entry.value || entry.value->empty()) {
            ++outcome_.empty;
          } else {
            Drive(redrive, entry);
          }
          return false;
        }));
    if (!found) ++outcome_.gone;
    return {};
  }

  void Drive(const Redrive& redrive, const LogEntry& entry) {
    if (producer_ == nullptr) {
      ++outcome_.driven;
      return;
    }
    kafka::OutgoingMessage message;
    message.topic = redrive.target;
    if (entry.key) message.key = std::string(*entry.key);
    message.value = std::string(*entry.value);
    message.time = SystemClock().Now();
    message.headers[std::string(kafka::kOriginHeader)] = Format(redrive.origin);
    message.headers[std::string(kafka::kReplayHeader)] = std::to_string(redrive.replay);
    for (const std::string_view name : {kafka::kTraceparentHeader, kafka::kTracestateHeader}) {
      const auto found = entry.headers.find(std::string(name));
      if (found != entry.headers.end()) message.headers.insert(*found);
    }
    const Status sent =
        producer_->Send(std::move(message), [this](Status done) { Settle(std::move(done)); });
    if (!sent) Settle(sent);
  }

  void Settle(Status done) {
    if (done) {
      ++outcome_.driven;
    } else if (done.error().code == ErrorCode::kInput) {
      ++outcome_.too_large;
    } else if (!failure_) {
      failure_ = done.error();
    }
  }

  kafka::LogReader& reader_;
  kafka::RecordProducer* const producer_;  // null: only look
  Outcome outcome_{};
  std::optional<Error> failure_{};
};

void PrintRedrives(const std::vector<Redrive>& redrives) {
  for (const Redrive& redrive : redrives) {
    fmt::print("{} -> {}  {} at {}{}{}\n", Format(redrive.source), redrive.target, redrive.reason,
               redrive.stage, redrive.detail.empty() ? "" : ": ", redrive.detail);
  }
}

void PrintEnd(ReplayMode mode, const ReplayPlan& plan, const Outcome& outcome) {
  const auto line = [](std::uint64_t count, std::string_view what) {
    if (count > 0) fmt::print("{} {}\n", WithThousands(count), what);
  };
  fmt::print("{} {}\n", WithThousands(outcome.driven),
             mode == ReplayMode::kDryRun ? "would be driven again" : "driven again");
  line(plan.done_before, "were driven again before");
  line(outcome.gone, "are gone: their topic no longer holds them");
  line(outcome.empty, "have no content that could be driven again");
  line(outcome.too_large, "are too large for their topic");
  line(plan.unusable, "are not of this pipeline");
}

// What a spec cannot change any more.
void PrintNote(const std::vector<Redrive>& redrives) {
  const bool remembered = std::any_of(
      redrives.begin(), redrives.end(), [](const Redrive& redrive) {
        return redrive.stage == "deduper" || redrive.stage == "balancer";
      });
  if (!remembered) return;
  fmt::print(stderr,
             "winnow: note: the deduper and the balancer remember their answer for each record id "
             "and give it again; what they refused they will refuse\n");
}

Result<ExitCode> Run(const ReplayCommandOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const auto client, ClientOf(options.connection));
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(client));
  WINNOW_ASSIGN_OR_RETURN(const ReplayPlan plan, PlanReplay(*reader, options.connection.prefix,
                                                            options.from, options.filter));
  std::unique_ptr<kafka::RecordProducer> producer;
  if (options.mode == ReplayMode::kDrive) {
    WINNOW_ASSIGN_OR_RETURN(producer, kafka::NewRecordProducer(client, kBytesUnderWay));
  } else {
    PrintRedrives(plan.redrives);
  }
  PrintNote(plan.redrives);
  WINNOW_ASSIGN_OR_RETURN(const Outcome outcome,
                          Driver(*reader, producer.get()).Run(plan.redrives));
  PrintEnd(options.mode, plan, outcome);
  return ExitCode::kOk;
}

}  // namespace

ExitCode ReplayCommand(const ReplayCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
