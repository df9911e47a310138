#include "services/winnow/kafka_commands.h"

#include <chrono>
#include <cmath>
#include <map>
#include <string>

#include "services/winnow/acl_command.h"
#include "services/winnow/audit_command.h"
#include "services/winnow/forget_command.h"
#include "services/winnow/ingest_command.h"
#include "services/winnow/replay_command.h"
#include "services/winnow/state_command.h"
#include "services/winnow/status_command.h"
#include "services/winnow/topics_command.h"

namespace winnow::cli {

struct KafkaCommands::Options {
  TopicsCommandOptions topics;
  AclCommandOptions acl;
  IngestCommandOptions ingest;
  AuditCommandOptions audit;
  ReplayCommandOptions dead{.from = ReplayFrom::kDead};
  ReplayCommandOptions rejected{.from = ReplayFrom::kRejected};
  ForgetOptions forget;
  std::string state;
  StatusCommandOptions status;
};

namespace {

void AddConnection(CLI::App& command, ConnectionOptions& options) {
  command.add_option("--brokers", options.brokers, "Kafka brokers, host:port,host:port")
      ->envname("WINNOW_KAFKA__BROKERS")
      ->required();
  command.add_option("--prefix", options.prefix, "Before the name of every topic and group")
      ->envname("WINNOW_KAFKA__TOPIC_PREFIX");
  command
      .add_option("--property", options.properties,
                  "Client setting NAME=VALUE as librdkafka names it (TLS, SASL ...); NAME=@FILE "
                  "takes the value from a file; may be repeated")
      ->take_all();
}

void AddTopicsMode(CLI::App& topics, const char* name, const char* help, kafka::TopicMode mode,
                   TopicsCommandOptions& options, ExitCode& result) {
  auto* const command = topics.add_subcommand(name, help);
  command->add_option("FILE", options.file, "Declaration of the topics, YAML")->required();
  AddConnection(*command, options.connection);
  command
      ->add_option("--replication", options.replication,
                   "Replicas of every topic, in place of the declared number")
      ->check(CLI::Range(1, 100));
  command
      ->add_option("--partitions", options.partitions,
                   "Partitions of every topic, in place of the declared number")
      ->check(CLI::Range(1, 10'000));
  command->callback([&options, &result, mode] { result = TopicsCommand(options, mode); });
}

void AddAcl(CLI::App& topics, AclCommandOptions& options, ExitCode& result) {
  static const std::map<std::string, AclFormat> formats = {{"commands", AclFormat::kCommands},
                                                           {"strimzi", AclFormat::kStrimzi},
                                                           {"json", AclFormat::kJson}};
  auto* const acl = topics.add_subcommand(
      "acl", "Print the rights each service and tool needs on the cluster, two zones apart");
  acl->add_option("FILE", options.file,
                  "Declaration of the topics, if it has more than the pipeline's");
  acl->add_option("--prefix", options.prefix, "Before the name of every topic and group")
      ->envname("WINNOW_KAFKA__TOPIC_PREFIX");
  acl->add_option("--format", options.format,
                  "commands (of kafka-acls.sh), strimzi (KafkaUser resources) or json")
      ->transform(CLI::CheckedTransformer(formats))
      ->option_text("{commands,strimzi,json}=commands");
  acl->add_option("--principal", options.principal, "Who they are given to")
      ->capture_default_str();
  acl->add_option("--cluster", options.cluster, "Name of the Kafka resource, for strimzi");
  acl->callback([&options, &result] { result = AclCommand(options); });
}

void AddTopics(CLI::App& app, TopicsCommandOptions& options, AclCommandOptions& acl,
               ExitCode& result) {
  auto* const topics = app.add_subcommand("topics", "Make or check the topics of a pipeline");
  topics->require_subcommand(1);
  AddTopicsMode(*topics, "apply", "Create what is missing and name every difference",
                kafka::TopicMode::kApply, options, result);
  AddTopicsMode(*topics, "check", "Name every difference, change nothing",
                kafka::TopicMode::kCheck, options, result);
  AddAcl(*topics, acl, result);
}

void AddIngest(CLI::App& app, IngestCommandOptions& options, ExitCode& result) {
  auto* const ingest = app.add_subcommand("ingest", "Feed a folder of images into images.raw");
  ingest->add_option("SPEC", options.spec, "Collection spec, YAML")->required();
  ingest->add_option("--input", options.input, "Folder of images and their labels")->required();
  AddConnection(*ingest, options.connection);
  ingest->add_option("--state", options.state,
                     "Folder that remembers what was sent, so that a later run goes on there");
  ingest->add_option("--inline-max", options.inline_max_bytes,
                     "Larger images go to the blob store")
      ->capture_default_str();
  ingest->add_option("--raw-blobs", options.raw_blobs,
                     "Folder of the raw zone's blob store; without it larger images are refused");
  auto* const follow = ingest->add_flag_callback(
      "--follow", [&options] { options.mode = IngestMode::kFollow; },
      "Go on for ever: send what is new or changed, once it is complete");
  ingest
      ->add_option_function<double>(
          "--every",
          [&options](double seconds) {
            options.every = std::chrono::milliseconds(std::llround(seconds * 1000));
          },
          "With --follow: seconds from one look at the folder to the next (default 2)")
      ->type_name("SECONDS")
      ->needs(follow)
      ->check(CLI::Range(0.05, 86'400.0));
  ingest->callback([&] { result = IngestCommand(options); });
}

void AddAudit(CLI::App& app, AuditCommandOptions& options, ExitCode& result) {
  auto* const audit =
      app.add_subcommand("audit", "Prove that every image that arrived has exactly one outcome");
  AddConnection(*audit, options.connection);
  audit->add_option("--dataset", options.datasets, "Folder a sink writes to; may be repeated")
      ->required()
      ->take_all();
  audit->add_option("--json", options.json, "Also write the figures to this file");
  audit->add_option("--wait", options.wait_seconds,
                    "Wait up to so many seconds until nothing is in flight");
  audit
      ->add_option("--patience", options.patience_seconds,
                   "Seconds after which an open transaction counts as left behind")
      ->capture_default_str();
  audit->callback([&] { result = AuditCommand(options); });
}

// What no filter narrows must be asked for.
void AddReplayFrom(CLI::App& replay, const char* name, const char* help,
                   ReplayCommandOptions& options, ExitCode& result) {
  auto* const command = replay.add_subcommand(name, help);
  AddConnection(*command, options.connection);
  ReplayFilter& filter = options.filter;
  auto* const which = command->add_option_group("which", "Which ones; several narrow together");
  which->add_option("--reason", filter.reasons, "Given up or refused for this; may be repeated")
      ->take_all();
  which->add_option("--stage", filter.stages, "... by this stage; may be repeated")->take_all();
  if (options.from == ReplayFrom::kRejected) {
    which->add_option("--id", filter.ids, "Of this record; may be repeated")->take_all();
  }
  which->add_flag("--all")->description("All of them");
  which->require_option(1, 0);
  command->add_flag_callback(
      "--dry-run", [&options] { options.mode = ReplayMode::kDryRun; }, "Only list them");
  command->callback([&options, &result] { result = ReplayCommand(options); });
}

void AddReplay(CLI::App& app, ReplayCommandOptions& dead, ReplayCommandOptions& rejected,
               ExitCode& result) {
  auto* const replay =
      app.add_subcommand("replay", "Drive messages again, after what refused them was mended");
  replay->require_subcommand(1);
  AddReplayFrom(*replay, "dead", "Messages nobody could read, to the topic they came from", dead,
                result);
  AddReplayFrom(*replay, "rejected",
                "Refused images, from images.raw while it holds them. The deduper and the balancer "
                "repeat their first answer for an id they have decided",
                rejected, result);
}

void AddForget(CLI::App& app, ForgetOptions& options, ExitCode& result) {
  auto* const forget = app.add_subcommand(
      "forget", "Take an erased image out of what deduplication remembers: copies are new again");
  forget
      ->add_option("IMAGE", options.image,
                   "Record id; with --state also the path within the input folder")
      ->required();
  AddConnection(*forget, options.connection);
  forget->get_option("--brokers")->required(false);
  auto* const spec = forget->add_option("--spec", options.spec, "Collection spec of that run, YAML");
  forget
      ->add_option("--state", options.state,
                   "State folder of a stopped `winnow run`, instead of services on Kafka")
      ->needs(spec);
  forget->callback([&] { result = ForgetCommand(options); });
}

void AddState(CLI::App& app, std::string& directory, ExitCode& result) {
  auto* const state = app.add_subcommand("state", "Look at a stage's state");
  state->require_subcommand(1);
  auto* const digest = state->add_subcommand(
      "digest", "Print a digest per partition, equal for equal states");
  digest->add_option("DIR", directory, "State folder of one stage")->required();
  digest->callback([&] { result = StateDigestCommand(directory); });
}

void AddStatus(CLI::App& app, StatusCommandOptions& options, ExitCode& result) {
  auto* const status = app.add_subcommand("status", "Watch a pipeline: rates, outcomes, lag");
  AddConnection(*status, options.connection);
  status
      ->add_option("--metrics", options.metrics,
                   "Addresses of services, http://host:port, for their own counts; separated by "
                   "commas or repeated")
      ->delimiter(',')
      ->take_all();
  status->add_flag_callback(
      "--once",
      [&options] {
        if (options.mode == StatusMode::kWatch) options.mode = StatusMode::kOnce;
      },
      "Print it once");
  status
      ->add_flag_callback(
          "--require-ready", [&options] { options.mode = StatusMode::kRequireReady; },
          "Print it once; exit code 3 unless all --metrics answer and every stage is ready")
      ->needs("--metrics");
  status->callback([&options, &result] { result = StatusCommand(options); });
}

}  // namespace

KafkaCommands::KafkaCommands(CLI::App& app, ExitCode& result)
    : options_(std::make_unique<Options>()) {
  AddTopics(app, options_->topics, options_->acl, result);
  AddIngest(app, options_->ingest, result);
  AddAudit(app, options_->audit, result);
  AddReplay(app, options_->dead, options_->rejected, result);
  AddForget(app, options_->forget, result);
  AddState(app, options_->state, result);
  AddStatus(app, options_->status, result);
}

KafkaCommands::~KafkaCommands() = default;

}  // namespace winnow::cli
