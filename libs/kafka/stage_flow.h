// Which stage reads and writes what: the table that services, access rights and status go by.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kafka/topics.h"

namespace winnow::kafka {

struct StageFlow {
  std::string stage{};                      // "deduper"
  Topic input = Topic::kRaw;
  std::optional<Topic> output = Topic::kValid;  // what it passes on; nullopt: it ends here
  std::vector<Topic> beside{};              // where it puts what it does not pass on
  bool stateful = false;                    // has a changelog
};

// In the order images pass them.
const std::vector<StageFlow>& StageFlows();

// Of a stage by its name, which must be one.
const StageFlow& FlowOf(std::string_view stage);

}  // namespace winnow::kafka
