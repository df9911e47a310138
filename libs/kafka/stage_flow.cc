#include "libs/kafka/stage_flow.h"

#include <algorithm>
#include <cstdlib>

namespace winnow::kafka {

const std::vector<StageFlow>& StageFlows() {
  static const std::vector<StageFlow> flows = {
      {.stage = "validator",
       .input = Topic::kRaw,
       .output = Topic::kValid,
       .beside = {Topic::kRejected, Topic::kDead}},
      {.stage = "privacy-blurrer",
       .input = Topic::kValid,
       .output = Topic::kSafe,
       .beside = {Topic::kRejected, Topic::kReview, Topic::kDead}},
      {.stage = "deduper",
       .input = Topic::kSafe,
       .output = Topic::kUnique,
       .beside = {Topic::kRejected, Topic::kDead},
       .stateful = true},
      {.stage = "balancer",
       .input = Topic::kUnique,
       .output = Topic::kSelected,
       .beside = {Topic::kRejected, Topic::kDeferred, Topic::kDead},
       .stateful = true},
      {.stage = "sink",
       .input = Topic::kSelected,
       .output = std::nullopt,
       .beside = {Topic::kDead}}};
  return flows;
}

const StageFlow& FlowOf(std::string_view stage) {
  const auto& flows = StageFlows();
  const auto found = std::find_if(flows.begin(), flows.end(),
                                  [&](const StageFlow& flow) { return flow.stage == stage; });
  if (found == flows.end()) std::abort();
  return *found;
}

}  // namespace winnow::kafka
