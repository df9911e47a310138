#include "services/winnow/replay_plan.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "libs/kafka/topics.h"
#include "libs/record/codec.h"

namespace winnow::cli {
namespace {

using kafka::LogEntry;
using kafka::Topic;

std::string HeaderOf(const LogEntry& entry, std::string_view name) {
  const auto found = entry.headers.find(std::string(name));
  return found == entry.headers.end() ? std::string() : found->second;
}

bool Takes(const std::vector<std::string>& wanted, const std::string& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// Topics that a stage or the sink reads: a message elsewhere was not given up by one of ours.
bool IsInput(const std::string& topic, const std::string& prefix) {
  for (const Topic input :
       {Topic::kRaw, Topic::kValid, Topic::kSafe, Topic::kUnique, Topic::kSelected}) {
    if (topic == kafka::TopicName(input, prefix)) return true;
  }
  return false;
}

class Planner {
 public:
  Planner(kafka::LogReader& reader, const std::string& prefix, const ReplayFilter& filter)
      : reader_(reader), prefix_(prefix), filter_(filter) {}

  Result<ReplayPlan> Run(ReplayFrom from) {
    WINNOW_RETURN_IF_ERROR(from == ReplayFrom::kDead ? CollectDead() : CollectRejected());
    WINNOW_RETURN_IF_ERROR(DropDone());
    return std::move(plan_);
  }

 private:
  Status CollectDead() {
    std::set<std::pair<std::string, int>> seen;
    return kafka::ReadTopic(
        reader_, kafka::TopicName(Topic::kDead, prefix_), [&](const LogEntry& entry) {
          const std::string letter = HeaderOf(entry, kafka::kDeadMessageHeader);
          const auto message = kafka::ParseOrigin(letter);
          const auto origin = kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader));
          if (!message || !IsInput(message->topic, prefix_)) {
            ++plan_.unusable;
            return true;
          }
          // A sink that was killed may have written it twice.
          if (!seen.insert({letter, ReplayCountOf(entry)}).second) return true;
          Redrive redrive = RedriveOf(entry, origin.value_or(*message));
          redrive.target = message->topic;
          redrive.source = {std::string(entry.topic), entry.partition, entry.offset};
          redrive.letter = *message;
          redrive.stage = HeaderOf(entry, kafka::kDeadStageHeader);
          redrive.reason = HeaderOf(entry, kafka::kDeadReasonHeader);
          redrive.detail = HeaderOf(entry, kafka::kDeadDetailHeader);
          Add(std::move(redrive), "");
          return true;
        });
  }

  Status CollectRejected() {
    const std::string topic = kafka::TopicName(Topic::kRejected, prefix_);
    return kafka::ReadTopic(reader_, topic, [&](const LogEntry& entry) {
      const auto origin = kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader));
      auto record = record::RecordCodec::Decode(entry.value.value_or(""),
                                                kafka::ZoneOf(Topic::kRejected));
      if (!origin || !IsInput(origin->topic, prefix_) || !record || record->history.empty()) {
        ++plan_.unusable;
        return true;
      }
      Redrive redrive = RedriveOf(entry, *origin);
      redrive.target = origin->topic;
      redrive.source = *origin;
      redrive.stage = record->history.back().stage;
      redrive.reason = record::Name(record->history.back().reason);
      redrive.detail = record->history.back().detail;
      Add(std::move(redrive), record->id.value());
      return true;
    });
  }

  static Redrive RedriveOf(const LogEntry& entry, const kafka::Origin& origin) {
    Redrive redrive;
    redrive.origin = origin;
    redrive.replay = ReplayCountOf(entry) + 1;
    return redrive;
  }

  void Add(Redrive redrive, const std::string& id) {
    if (Takes(filter_.stages, redrive.stage) && Takes(filter_.reasons, redrive.reason) &&
        Takes(filter_.ids, id)) {
      plan_.redrives.push_back(std::move(redrive));
    }
  }

  // The highest drive of each origin in the topics that ours would go to.
  Status DropDone() {
    std::set<std::string> targets;
    for (const Redrive& redrive : plan_.redrives) targets.insert(redrive.target);
    std::map<kafka::Origin, int> driven;
    for (const std::string& target : targets) {
      WINNOW_RETURN_IF_ERROR(kafka::ReadTopic(reader_, target, [&](const LogEntry& entry) {
        const int replay = ReplayCountOf(entry);
        const auto origin = kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader));
        if (replay > 0 && origin) driven[*origin] = std::max(driven[*origin], replay);
        return true;
      }));
    }
    const auto is_done = [&](const Redrive& redrive) {
      const auto found = driven.find(redrive.origin);
      return found != driven.end() && found->second >= redrive.replay;
    };
    plan_.done_before = std::erase_if(plan_.redrives, is_done);
    return {};
  }

  kafka::LogReader& reader_;
  const std::string& prefix_;
  const ReplayFilter& filter_;
  ReplayPlan plan_{};
};

}  // namespace

int ReplayCountOf(const LogEntry& entry) {
  const std::string text = HeaderOf(entry, kafka::kReplayHeader);
  int replay = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), replay);
  return error == std::errc() && end == text.data() + text.size() && replay > 0 ? replay : 0;
}

Result<ReplayPlan> PlanReplay(kafka::LogReader& reader, const std::string& prefix, ReplayFrom from,
                              const ReplayFilter& filter) {
  return Planner(reader, prefix, filter).Run(from);
}

}  // namespace winnow::cli
