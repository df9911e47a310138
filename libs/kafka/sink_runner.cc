#include "libs/kafka/sink_runner.h"

#include "libs/kafka/client.h"
#include "libs/kafka/sink_run.h"

namespace winnow::kafka {
namespace {

Status CheckOptions(const SinkOptions& options) {
  if (options.instance.empty()) {
    return ConfigError("the instance has no name: give each process of a stage its own, that "
                       "stays the same when it restarts");
  }
  if (ZoneOf(options.input) != record::Zone::kSafe) {
    return ConfigError("a sink reads redacted images only: its input must be a safe topic");
  }
  return CheckProperties(options.client);
}

}  // namespace

Status RunSink(const SinkOptions& options, const stream::ProcessorFactory& factory,
               const stream::PartitionOutputFactory& outputs) {
  WINNOW_RETURN_IF_ERROR(CheckOptions(options));
  return SinkRun(options, factory, outputs).Run();
}

}  // namespace winnow::kafka
