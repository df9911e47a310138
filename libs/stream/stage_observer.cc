#include "libs/stream/stage_observer.h"

namespace winnow::stream {

std::string_view Name(StageStep step) {
  switch (step) {
    case StageStep::kDecode: return "decode";
    case StageStep::kProcess: return "process";
    case StageStep::kFetch: return "fetch";
    case StageStep::kProduce: return "produce";
    case StageStep::kCommit: return "commit";
  }
  return "process";
}

}  // namespace winnow::stream
