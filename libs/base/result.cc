#include "libs/base/result.h"

namespace winnow {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInput: return "input";
    case ErrorCode::kConfig: return "config";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kCorruptState: return "corrupt_state";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kBug: return "bug";
  }
  return "unknown";
}

}  // namespace winnow
