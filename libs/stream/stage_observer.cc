#include "libs/stream/stage_observer.h"

namespace winnow::stream {

std::string_view Name(StageStep step) {
  switch (step) {
    case StageStep::kDecode: return "decode";
    case StageStep::kProcess: return "process";
    case StageStep::kFetch: return "fetch";
    case StageStep::kProduce: return "produce";
    case StageStep::kCommit: return "commit";
    case StageStep::kEncode: return "encode";
    case StageStep::kState: return "state";
  }
  return "process";
}

std::string_view Name(Loss loss) {
  switch (loss) {
    case Loss::kRetention: return "retention";
  }
  return "retention";
}

}  // namespace winnow::stream
