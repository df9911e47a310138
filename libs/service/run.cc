#include "libs/service/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "libs/kafka/headers.h"
#include "libs/kafka/sink_runner.h"
#include "libs/service/health_check.h"
#include "libs/service/manual.h"
#include "libs/service/observers.h"
#include "libs/service/signals.h"
#include "libs/telemetry/disk_figures.h"
#include "libs/telemetry/health.h"
#include "libs/telemetry/http_listener.h"
#include "libs/telemetry/json_log.h"
#include "libs/telemetry/stage_probe.h"

namespace winnow::service {
namespace {

using stream::Severity;

// Beyond the drain time, which the runner keeps to: what is left is to close its clients.
constexpr std::chrono::seconds kGrace{5};

enum class Task { kRun, kCheck, kDescribe, kHealth };

struct CommandLine {
  Task task = Task::kRun;
  std::string config;
};

// All that is known before the first thread is started.
struct Prepared {
  ServiceConfig config;
  spec::CollectionSpec spec;
  stream::ProcessorFactory processors;
  stream::PartitionOutputFactory outputs;
};

std::string ProgramName(const StageService& service) { return "winnow-" + service.stage; }

// nullopt: go on; else exit with this.
std::optional<int> Parse(int argc, const char* const* argv, const StageService& service,
                         CommandLine& line) {
  CLI::App app(service.summary, ProgramName(service));
  bool check = false;
  bool describe = false;
  bool health = false;
  app.set_version_flag("--version", WINNOW_VERSION);
  app.add_option("--config", line.config, "Settings, YAML; the environment's come on top");
  app.add_flag("--check", check, "Check settings, spec and models, then exit");
  app.add_flag("--health", health,
               "Ask the process that runs with these settings for its /healthz: exit code 0 or 1");
  app.add_flag("--describe-config", describe, "Print every setting with its default, then exit");
  AddManualFlag(app, service.defaults);
  app.footer(
      "Exit codes: 0 stopped as asked, 1 unavailable or fenced (a restart may mend it), 2 wrong\n"
      "settings, spec, models or topics, 3 damaged state, 4 a defect in Winnow.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kConfig);
  }
  line.task = describe ? Task::kDescribe
              : check  ? Task::kCheck
              : health ? Task::kHealth
                       : Task::kRun;
  return std::nullopt;
}

bool IsSink(const StageService& service) { return service.outputs != nullptr; }

Needs NeedsOf(const StageService& service) {
  return {service.stateful, service.payload == kafka::PayloadUse::kByReference, IsSink(service)};
}

Result<Prepared> Prepare(const StageService& service, const std::string& path) {
  Prepared prepared;
  WINNOW_ASSIGN_OR_RETURN(prepared.config, LoadConfig(path, ReadEnvironment(), service.defaults));
  WINNOW_RETURN_IF_ERROR(CheckComplete(prepared.config, NeedsOf(service)));
  WINNOW_RETURN_IF_ERROR(kafka::CheckProperties(
      {prepared.config.kafka.brokers, prepared.config.kafka.properties}));
  WINNOW_ASSIGN_OR_RETURN(prepared.spec, spec::Load(prepared.config.spec));
  WINNOW_ASSIGN_OR_RETURN(prepared.processors,
                          service.processors(prepared.spec, prepared.config));
  if (IsSink(service)) {
    WINNOW_ASSIGN_OR_RETURN(prepared.outputs, service.outputs(prepared.spec, prepared.config));
  }
  return prepared;
}

// The stores of the zones the service works in: one of the safe zone never opens the raw one.
struct Blobs {
  std::unique_ptr<blob::BlobStore> raw;
  std::unique_ptr<blob::BlobStore> safe;
};

bool WorksIn(const StageService& service, record::Zone zone) {
  const record::Zone in = kafka::ZoneOf(service.input);
  return zone == in || (!IsSink(service) && zone == kafka::ZoneOf(service.output));
}

Result<Blobs> OpenBlobs(const StageService& service, const BlobConfig& config) {
  Blobs blobs;
  if (!config.raw.empty() && WorksIn(service, record::Zone::kRaw)) {
    WINNOW_ASSIGN_OR_RETURN(blobs.raw, blob::OpenDirectory(config.raw));
  }
  if (!config.safe.empty() && WorksIn(service, record::Zone::kSafe)) {
    WINNOW_ASSIGN_OR_RETURN(blobs.safe, blob::OpenDirectory(config.safe));
  }
  return blobs;
}

// The folders whose room the service depends on.
std::vector<telemetry::Volume> VolumesOf(const StageService& service, const ServiceConfig& config) {
  std::vector<telemetry::Volume> volumes;
  const auto add = [&volumes](bool used, const char* name, const std::string& path) {
    if (used && !path.empty()) volumes.push_back({name, path});
  };
  add(service.stateful, "state", config.state_directory);
  add(WorksIn(service, record::Zone::kRaw), "blobs_raw", config.blobs.raw);
  add(WorksIn(service, record::Zone::kSafe), "blobs_safe", config.blobs.safe);
  add(IsSink(service), "dataset", config.sink.directory);
  return volumes;
}

std::size_t LanesOf(const ServiceConfig& config) {
  return config.lanes > 0 ? static_cast<std::size_t>(config.lanes)
                          : std::max(1u, std::thread::hardware_concurrency());
}

kafka::StageOptions StageOptionsFor(const StageService& service, const Prepared& prepared,
                                    const Blobs& blobs) {
  const ServiceConfig& config = prepared.config;
  kafka::StageOptions options;
  options.client = {config.kafka.brokers, config.kafka.properties};
  options.stage = service.stage;
  options.topic_prefix = config.kafka.topic_prefix;
  options.instance = config.instance;
  options.input = service.input;
  options.output = service.output;
  options.beside = service.beside;
  options.payload = service.payload;
  options.stateful = service.stateful;
  options.state_directory = config.state_directory;
  options.collection = prepared.spec.collection;
  options.scope_of = DedupScopeOf(prepared.spec);
  options.lanes = LanesOf(config);
  options.commit = config.commit;
  options.max_bytes_in_flight = config.max_bytes_in_flight;
  options.inline_max_bytes = config.blobs.inline_max_bytes;
  options.raw_blobs = blobs.raw.get();
  options.safe_blobs = blobs.safe.get();
  options.session_timeout = config.kafka.session_timeout;
  options.transaction_timeout = config.kafka.transaction_timeout;
  options.drain_timeout = config.drain;
  return options;
}

kafka::SinkOptions SinkOptionsFor(const StageService& service, const Prepared& prepared,
                                  const Blobs& blobs) {
  const ServiceConfig& config = prepared.config;
  kafka::SinkOptions options;
  options.client = {config.kafka.brokers, config.kafka.properties};
  options.stage = service.stage;
  options.topic_prefix = config.kafka.topic_prefix;
  options.instance = config.instance;
  options.input = service.input;
  options.collection = prepared.spec.collection;
  options.safe_blobs = blobs.safe.get();
  options.seal_when_idle = config.sink.seal_when_idle;
  options.session_timeout = config.kafka.session_timeout;
  options.drain_timeout = config.drain;
  return options;
}

std::vector<std::string> DeadReasons() {
  using kafka::DeadReason;
  std::vector<std::string> names;
  for (const DeadReason reason :
       {DeadReason::kUndecodable, DeadReason::kUnredacted, DeadReason::kWrongCollection,
        DeadReason::kTooLarge, DeadReason::kBlobMissing, DeadReason::kRefusedByStage}) {
    names.emplace_back(Name(reason));
  }
  return names;
}

// The running process: what it tells and what it runs. Members refer to earlier ones.
class Process {
 public:
  Process(const StageService& service, const Prepared& prepared, telemetry::JsonLog& log)
      : service_(service),
        prepared_(prepared),
        log_(log),
        probe_({.stage = service.stage,
                .version = WINNOW_VERSION,
                .dead_reasons = DeadReasons(),
                .stores = IsSink(service),
                .lanes = IsSink(service) ? 0 : LanesOf(prepared.config)},
               metrics_, clock_),
        health_({.brokers = prepared.config.kafka.brokers,
                 .stalled_after = prepared.config.http.stuck_after,
                 .stopping = &stop_,
                 .instance = prepared.config.instance}),
        signals_(stop_) {
    telemetry::TellDiskSpace(service.stage, VolumesOf(service, prepared.config), metrics_);
  }

  Status Run() {
    signals_.Watch(prepared_.config.drain + kGrace, Reactions());
    std::vector<stream::StageObserver*> all = {&probe_, &health_, &log_};
    if (service_.probe) {
      WINNOW_ASSIGN_OR_RETURN(own_probe_,
                              service_.probe(prepared_.spec, prepared_.config, metrics_));
      all.push_back(own_probe_.get());
    }
    Observers observers(std::move(all));
    WINNOW_ASSIGN_OR_RETURN(const Blobs blobs, OpenBlobs(service_, prepared_.config.blobs));
    WINNOW_ASSIGN_OR_RETURN(listener_, Listen());
    log_.Write(Severity::kInfo, "started", Fields(listener_->port()));
    Status status = RunLoop(blobs, observers);
    if (!status && health_.fenced()) {
      status.error().message += "; " + FencedRemedy();
      Linger(status.error());
    }
    return status;
  }

 private:
  StopSignals::Reactions Reactions() {
    return {[this] {
              probe_.Stopping();
              log_.Write(Severity::kInfo, "asked to stop; finishing what is in flight");
              // Last: it can end the process, and then the end is the last line.
              asked_to_stop_.set_value();
            },
            [this](StopSignals::GiveUp why) {
              const bool late = why == StopSignals::GiveUp::kDeadline;
              log_.Write(Severity::kWarning, late ? "not stopped within drain_seconds; ending"
                                                  : "asked to stop again; ending");
              ::_exit(static_cast<int>(ExitCode::kUnavailable));
            }};
  }

  std::string FencedRemedy() const {
    return fmt::format("if two processes run as instance {}, give each a name of its own; if this "
                       "one was away from the broker for too long, its restart mends it",
                       prepared_.config.instance);
  }

  // Long enough for a scrape to see winnow_fenced; and two namesakes under supervisors would
  // otherwise fence each other many times a second.
  void Linger(const Error& why) {
    const std::chrono::duration<double> time = prepared_.config.fenced_linger;
    log_.Write(Severity::kError, "fenced by another process of this instance's name",
               {{"instance", prepared_.config.instance},
                {"error", why.message},
                {"ends_in_seconds", fmt::format("{:g}", time.count())}});
    asked_to_stop_.get_future().wait_for(time);
  }

  Result<std::unique_ptr<telemetry::HttpListener>> Listen() {
    const HttpConfig& http = prepared_.config.http;
    return telemetry::HttpListener::Start(
        {http.address, static_cast<std::uint16_t>(http.port)},
        {{"/metrics",
          [this] {
            return telemetry::HttpAnswer{200, telemetry::kMetricsContentType, metrics_.Text()};
          }},
         {"/healthz", [this] { return health_.Live(); }},
         {"/readyz", [this] { return health_.Ready(); }}});
  }

  stream::EventFields Fields(std::uint16_t port) const {
    return {{"version", WINNOW_VERSION},
            {"port", std::to_string(port)},
            {"brokers", prepared_.config.kafka.brokers},
            {"input", kafka::TopicName(service_.input, prepared_.config.kafka.topic_prefix)},
            {"collection", prepared_.spec.collection.value()},
            {"spec_digest", prepared_.spec.digest}};
  }

  Status RunLoop(const Blobs& blobs, Observers& observers) {
    if (IsSink(service_)) {
      kafka::SinkOptions options = SinkOptionsFor(service_, prepared_, blobs);
      options.stop = &stop_;
      options.observer = &observers;
      return kafka::RunSink(options, prepared_.processors, prepared_.outputs);
    }
    kafka::StageOptions options = StageOptionsFor(service_, prepared_, blobs);
    options.stop = &stop_;
    options.observer = &observers;
    return kafka::RunStage(options, prepared_.processors);
  }

  const StageService& service_;
  const Prepared& prepared_;
  telemetry::JsonLog& log_;
  std::atomic<bool> stop_ = false;
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::StageProbe probe_;
  telemetry::Health health_;
  std::unique_ptr<stream::StageObserver> own_probe_;
  std::unique_ptr<telemetry::HttpListener> listener_;
  std::promise<void> asked_to_stop_;
  StopSignals signals_;
};

[[noreturn]] void RunProcess(const StageService& service, const Prepared& prepared) {
  SystemClock clock;
  telemetry::JsonLog log(ProgramName(service), prepared.config.instance, clock);
  // Never destroyed: it answers to the end, and what must be closed in order (clients, state, parts)
  // the runner has closed.
  const Status status = (new Process(service, prepared, log))->Run();
  const ExitCode code = status ? ExitCode::kStopped : ExitCodeFor(status.error().code);
  if (code == ExitCode::kStopped) {
    log.Write(Severity::kInfo, "stopped");
  } else {
    log.Write(Severity::kError, "ended by an error",
              {{"error", status.error().message},
               {"kind", std::string(ErrorCodeName(status.error().code))},
               {"exit_code", std::to_string(static_cast<int>(code))}});
  }
  ::_exit(static_cast<int>(code));
}

// For a person at a terminal or reading a crashed container's log: plain lines, as compilers do.
int Fail(const StageService& service, const Error& error) {
  fmt::print(stderr, "{}: {}\n", ProgramName(service), error.message);
  return static_cast<int>(ExitCodeFor(error.code));
}

// Exit codes that a container's health check knows: 0 and 1.
int TellHealth(const StageService& service, const std::string& path) {
  const Result<ServiceConfig> config = LoadConfig(path, ReadEnvironment(), service.defaults);
  const Status status =
      config ? CheckHealth(config->http) : Status(tl::unexpected(config.error()));
  if (status) {
    fmt::print("{}: healthy\n", ProgramName(service));
    return 0;
  }
  fmt::print(stderr, "{}: not healthy: {}\n", ProgramName(service), status.error().message);
  return 1;
}

}  // namespace

ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConfig: return ExitCode::kConfig;
    case ErrorCode::kUnavailable: return ExitCode::kUnavailable;
    case ErrorCode::kCorruptState: return ExitCode::kCorrupt;
    case ErrorCode::kCancelled: return ExitCode::kStopped;
    case ErrorCode::kInput:  // of one record: never ends a runner
    case ErrorCode::kBug: return ExitCode::kBug;
  }
  return ExitCode::kBug;
}

MakeProcessors FromSpec(std::unique_ptr<stream::Processor> (*make)(const spec::CollectionSpec&)) {
  return [make](const spec::CollectionSpec& spec, const ServiceConfig&) {
    return Result<stream::ProcessorFactory>(
        [make, spec]() -> Result<std::unique_ptr<stream::Processor>> { return make(spec); });
  };
}

kafka::ScopeOf DedupScopeOf(const spec::CollectionSpec& spec) {
  return [policy = spec.dedup](const record::ImageRecord& record) {
    return spec::ScopeOf(policy, record.collection, record.source.id);
  };
}

StageService ServiceOf(const kafka::StageFlow& flow) {
  StageService service;
  service.stage = flow.stage;
  service.input = flow.input;
  service.output = flow.output.value_or(service.output);
  service.beside = flow.beside;
  service.stateful = flow.stateful;
  return service;
}

int Run(int argc, const char* const* argv, const StageService& service) {
  CommandLine line;
  if (const auto done = Parse(argc, argv, service, line)) return *done;
  if (line.task == Task::kDescribe) {
    fmt::print("{}", DescribeConfig(service.defaults));
    return 0;
  }
  if (line.task == Task::kHealth) return TellHealth(service, line.config);
  const Result<Prepared> prepared = Prepare(service, line.config);
  if (!prepared) return Fail(service, prepared.error());
  if (line.task == Task::kRun) RunProcess(service, *prepared);
  fmt::print("{}: settings, spec and models are sound\n", ProgramName(service));
  return 0;
}

}  // namespace winnow::service
