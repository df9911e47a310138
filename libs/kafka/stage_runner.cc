#include "libs/kafka/stage_runner.h"

#include <fmt/format.h>

#include "libs/kafka/client.h"
#include "libs/kafka/stage_run.h"

namespace winnow::kafka {
namespace {

Status CheckOptions(const StageOptions& options) {
  if (options.instance.empty()) {
    return ConfigError("the instance has no name: give each process of a stage its own, that "
                       "stays the same when it restarts");
  }
  if (options.lanes == 0) return ConfigError("a stage needs at least one lane");
  if (options.stateful && options.state_directory.empty()) {
    return ConfigError(fmt::format("stage {} keeps state: set a state directory", options.stage));
  }
  if (options.payload == PayloadUse::kByReference && options.safe_blobs == nullptr) {
    return ConfigError(fmt::format("stage {} keeps records: set a blob store for safe payloads",
                                   options.stage));
  }
  if (options.commit.records == 0 || options.commit.bytes == 0) {
    return ConfigError("a commit needs room for at least one record");
  }
  return CheckProperties(options.client);
}

}  // namespace

Status RunStage(const StageOptions& options, const stream::ProcessorFactory& factory) {
  WINNOW_RETURN_IF_ERROR(CheckOptions(options));
  return StageRun(options, factory).Run();
}

}  // namespace winnow::kafka
