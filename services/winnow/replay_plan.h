// Which messages are to be driven again, and from where.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/log_reader.h"
#include "services/winnow/replay_command.h"

namespace winnow::cli {

// One message to be driven again.
struct Redrive {
  kafka::Origin origin;  // its arrival
  int replay = 1;        // what its header will say
  std::string target;    // topic
  // Where the message is taken from: the dead letter, or the arrival.
  kafka::Origin source;
  // Of a dead letter: where the message was read. The letter is without it if it was too large.
  kafka::Origin letter;
  std::string stage;
  std::string reason;
  std::string detail;
};

struct ReplayPlan {
  std::vector<Redrive> redrives;
  std::uint64_t done_before = 0;  // driven again by an earlier call
  std::uint64_t unusable = 0;     // dead letters that do not say where they are from
};

// Reads the topic of dead letters or refusals, and then the topics that redrives would go to.
Result<ReplayPlan> PlanReplay(kafka::LogReader& reader, const std::string& prefix, ReplayFrom from,
                              const ReplayFilter& filter);

// The value of the replay header; 0 if there is none.
int ReplayCountOf(const kafka::LogEntry& entry);

}  // namespace winnow::cli
