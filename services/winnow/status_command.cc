#include "services/winnow/status_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "libs/kafka/log_reader.h"
#include "libs/kafka/topics.h"
#include "services/winnow/audit_ledger.h"
#include "services/winnow/interrupt.h"
#include "services/winnow/status_board.h"
#include "services/winnow/status_metrics.h"

namespace winnow::cli {
namespace {

using kafka::PartitionRange;
using kafka::Topic;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kInterval = std::chrono::seconds(1);
constexpr std::chrono::milliseconds kScrapeTimeout{500};
// So few offsets may be nothing but the markers of transactions: then it pays to look.
constexpr std::int64_t kFew = 4;

struct Step {
  AuditStage stage;
  Topic input;
  std::optional<Topic> output;
};
constexpr std::array<Step, 5> kSteps = {{{AuditStage::kValidator, Topic::kRaw, Topic::kValid},
                                         {AuditStage::kBlurrer, Topic::kValid, Topic::kSafe},
                                         {AuditStage::kDeduper, Topic::kSafe, Topic::kUnique},
                                         {AuditStage::kBalancer, Topic::kUnique, Topic::kSelected},
                                         {AuditStage::kSink, Topic::kSelected, std::nullopt}}};

std::string ErrorText(const Error& error) {
  return fmt::format("winnow: {}\n", error.message);
}

// Offsets at one moment, for rates.
using Counters = std::map<std::string, std::int64_t>;

class Watch {
 public:
  Watch(kafka::LogReader& reader, const StatusCommandOptions& options)
      : reader_(reader), options_(options) {}

  Result<StatusBoard> Look() {
    StatusBoard board;
    before_ = std::exchange(now_, {});
    const auto at = SteadyClock::now();
    seconds_ = std::chrono::duration<double>(at - std::exchange(at_, at)).count();
    WINNOW_RETURN_IF_ERROR(ReadRanges());
    const auto figures = Scrape(board);
    for (const Step& step : kSteps) {
      WINNOW_ASSIGN_OR_RETURN(StageRow row, RowOf(step));
      if (const auto found = figures.find(row.stage); found != figures.end()) {
        row.figures = found->second;
      }
      board.stages.push_back(std::move(row));
    }
    WINNOW_RETURN_IF_ERROR(CountDeferred());
    board.outcomes = {Outcome("selected", Topic::kSelected), Outcome("rejected", Topic::kRejected),
                      {"in the reserve", reserve_.size(), false, std::nullopt},
                      Outcome("review", Topic::kReview), Outcome("dead", Topic::kDead)};
    board.title = Title();
    return board;
  }

 private:
  const std::vector<PartitionRange>& Ranges(Topic topic) const { return ranges_.at(topic); }

  std::string Title() const {
    const std::time_t time = std::time(nullptr);
    return fmt::format("winnow  {}{}  {:%H:%M:%S} UTC", options_.connection.brokers,
                       options_.connection.prefix.empty()
                           ? ""
                           : "  prefix " + options_.connection.prefix,
                       fmt::gmtime(time));
  }

  Status ReadRanges() {
    for (const Topic topic : kafka::kAllTopics) {
      WINNOW_ASSIGN_OR_RETURN(ranges_[topic], reader_.RangesOf(kafka::TopicName(
                                                  topic, options_.connection.prefix)));
      std::int64_t end = 0;
      for (const PartitionRange& range : ranges_[topic]) end += range.end;
      now_[kafka::TopicName(topic, "")] = end;
    }
    return {};
  }

  std::optional<double> RateOf(const std::string& counter) const {
    const auto before = before_.find(counter);
    const auto now = now_.find(counter);
    if (before == before_.end() || now == now_.end() || seconds_ <= 0) return std::nullopt;
    return static_cast<double>(std::max<std::int64_t>(now->second - before->second, 0)) / seconds_;
  }

  std::map<std::string, StageFigures> Scrape(StatusBoard& board) const {
    std::map<std::string, StageFigures> figures;
    for (const std::string& url : options_.metrics) {
      if (const auto text = FetchMetrics(url, kScrapeTimeout)) {
        AddFigures(ParseMetrics(*text), figures);
      } else {
        board.silent.push_back(url);
      }
    }
    return figures;
  }

  Result<StageRow> RowOf(const Step& step) {
    StageRow row;
    row.stage = Name(step.stage);
    const std::string topic = kafka::TopicName(step.input, options_.connection.prefix);
    const std::string group = kafka::GroupName(row.stage, options_.connection.prefix);
    WINNOW_ASSIGN_OR_RETURN(const auto members, reader_.MembersOf(group));
    row.instances = members.size();
    for (const kafka::GroupMember& member : members) {
      const auto found = member.partitions.find(topic);
      if (found != member.partitions.end()) row.assigned += found->second.size();
    }
    row.partitions = Ranges(step.input).size();
    WINNOW_ASSIGN_OR_RETURN(const auto committed, reader_.CommittedOffsets(group, topic));
    WINNOW_RETURN_IF_ERROR(CountLag(step.input, topic, committed, row));
    row.in_rate = RateOf(row.stage);
    if (step.output) row.out_rate = RateOf(kafka::TopicName(*step.output, ""));
    return row;
  }

  Status CountLag(Topic input, const std::string& topic,
                  const std::map<int, std::int64_t>& committed, StageRow& row) {
    for (const PartitionRange& range : Ranges(input)) {
      const auto found = committed.find(range.partition);
      const std::int64_t from =
          found == committed.end() ? range.begin : std::max(found->second, range.begin);
      now_[row.stage] += from;
      WINNOW_ASSIGN_OR_RETURN(const std::int64_t waiting, Waiting(topic, range, from));
      row.lag += static_cast<std::uint64_t>(waiting);
    }
    return {};
  }

  Result<std::int64_t> Waiting(const std::string& topic, const PartitionRange& range,
                               std::int64_t from) {
    if (from >= range.end) return 0;
    if (range.end - from > kFew) return range.end - from;
    std::int64_t messages = 0;
    const Status read = reader_.ReadRange(topic, range.partition, from, range.end,
                                          [&](const kafka::LogEntry&) {
                                            ++messages;
                                            return true;
                                          });
    // Who watches need not be allowed to see images: then offsets are as near as it gets.
    if (!read && read.error().code == ErrorCode::kConfig) return range.end - from;
    WINNOW_RETURN_IF_ERROR(read);
    return messages;
  }

  // The table so far, kept from look to look.
  Status CountDeferred() {
    const std::string topic = kafka::TopicName(Topic::kDeferred, options_.connection.prefix);
    for (const PartitionRange& range : Ranges(Topic::kDeferred)) {
      std::int64_t& read_until = deferred_until_[range.partition];
      WINNOW_RETURN_IF_ERROR(reader_.ReadRange(
          topic, range.partition, std::max(read_until, range.begin), range.end,
          [&](const kafka::LogEntry& entry) {
            const std::string id(entry.key.value_or(""));
            if (entry.value) {
              reserve_.insert(id);
            } else {
              reserve_.erase(id);
            }
            return true;
          }));
      read_until = range.end;
    }
    return {};
  }

  OutcomeRow Outcome(const std::string& name, Topic topic) const {
    OutcomeRow row{name, 0, true, RateOf(kafka::TopicName(topic, ""))};
    for (const PartitionRange& range : Ranges(topic)) {
      row.count += static_cast<std::uint64_t>(range.end - range.begin);
    }
    return row;
  }

  kafka::LogReader& reader_;
  const StatusCommandOptions& options_;
  std::map<Topic, std::vector<PartitionRange>> ranges_{};
  Counters before_{};
  Counters now_{};
  SteadyClock::time_point at_{};
  double seconds_ = 0;
  std::map<int, std::int64_t> deferred_until_{};
  std::set<std::string> reserve_{};
};

// Brokers that are away come back: a watch says so and goes on.
Result<ExitCode> WatchOn(Watch& watch) {
  const std::atomic<bool>& stop = CatchInterrupts();
  while (!stop) {
    const auto board = watch.Look();
    if (!board && board.error().code != ErrorCode::kUnavailable) return board.error();
    fmt::print("\033[H\033[2J{}", board ? BoardText(*board) : ErrorText(board.error()));
    std::fflush(stdout);
    // A signal ends the sleep.
    if (!stop) usleep(std::chrono::microseconds(kInterval).count());
  }
  fmt::print("\n");
  return ExitCode::kOk;
}

Result<ExitCode> Run(const StatusCommandOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const auto client, ClientOf(options.connection));
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(client));
  Watch watch(*reader, options);
  if (options.mode == StatusMode::kWatch && isatty(STDOUT_FILENO) == 1) return WatchOn(watch);
  WINNOW_RETURN_IF_ERROR(watch.Look());
  std::this_thread::sleep_for(kInterval);
  WINNOW_ASSIGN_OR_RETURN(const StatusBoard board, watch.Look());
  fmt::print("{}", BoardText(board));
  if (options.mode != StatusMode::kRequireReady) return ExitCode::kOk;
  const std::vector<std::string> unready = Unready(board);
  for (const std::string& line : unready) fmt::print(stderr, "winnow: {}\n", line);
  return unready.empty() ? ExitCode::kOk : ExitCode::kCorrupt;
}

}  // namespace

ExitCode StatusCommand(const StatusCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "{}", ErrorText(result.error()));
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
