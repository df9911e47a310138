// The process shell of a service: command line, configuration, signals, listener, runner, exit
// code. A service's main describes itself and calls Run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/stage_flow.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/topics.h"
#include "libs/service/config.h"
#include "libs/spec/spec.h"
#include "libs/stream/partition_output.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"
#include "libs/telemetry/metrics.h"

namespace winnow::service {

// What a service exits with. Part of its interface: never renumber.
enum class ExitCode {
  kStopped = 0,      // as asked
  kUnavailable = 1,  // fenced, or something outside fails: a restart may mend it
  kConfig = 2,       // a person must change a setting, the spec, models or topics
  kCorrupt = 3,      // stored state contradicts itself
  kBug = 4,
};

ExitCode ExitCodeFor(ErrorCode code);

using MakeProcessors = std::function<Result<stream::ProcessorFactory>(
    const spec::CollectionSpec&, const ServiceConfig&)>;

// Of a stage that needs the spec alone.
MakeProcessors FromSpec(std::unique_ptr<stream::Processor> (*make)(const spec::CollectionSpec&));

// Everything a service is made of. Functions are called in the order they stand here, with a spec
// and a configuration that are complete; an Error kConfig ends the process before it joins the
// group, and is what --check finds.
struct StageService {
  std::string stage;    // "deduper"; the program is winnow-deduper
  std::string summary;  // one line
  kafka::Topic input = kafka::Topic::kRaw;
  kafka::Topic output = kafka::Topic::kValid;  // of a stage
  std::vector<kafka::Topic> beside = {};       // of a stage: kafka::StageOptions::beside
  kafka::PayloadUse payload = kafka::PayloadUse::kBytes;
  bool stateful = false;
  ServiceConfig defaults = {};  // of settings that suit this service better than the runners' own
  // Proves that processors can be made, models and all.
  MakeProcessors processors = nullptr;
  // Set for the sink: then it is run by kafka::RunSink, else by kafka::RunStage.
  std::function<Result<stream::PartitionOutputFactory>(const spec::CollectionSpec&,
                                                       const ServiceConfig&)>
      outputs = nullptr;
  // Figures of this service alone; may be null. The probe is told everything the runner tells.
  std::function<Result<std::unique_ptr<stream::StageObserver>>(
      const spec::CollectionSpec&, const ServiceConfig&, telemetry::Metrics&)>
      probe = nullptr;
};

// The key of images.safe that the collection's spec asks for.
kafka::ScopeOf DedupScopeOf(const spec::CollectionSpec& spec);

// With what the table of stages says of it.
StageService ServiceOf(const kafka::StageFlow& flow);

// Runs until SIGTERM or SIGINT, or an Error, and then ends the process with an ExitCode; returns one
// where there was nothing to run (--check, a wrong setting). What is in flight when asked to stop is
// finished within drain_seconds; five seconds later, or at a second signal, the process ends as it
// stands, which loses nothing. Call once, from main.
int Run(int argc, const char* const* argv, const StageService& service);

}  // namespace winnow::service
