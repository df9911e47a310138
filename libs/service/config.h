// Settings of a service: one YAML file, each key overridable from the environment. The structs hold
// the defaults, taken from the options of the runners they end in; config_keys.cc gives each key
// its name, unit, range and meaning and is the only place that knows the names. README.md tells the
// format.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/sink_runner.h"
#include "libs/kafka/stage_runner.h"

namespace winnow::service {

// What a service cannot do without, besides spec, instance and brokers.
struct Needs {
  bool state = false;       // state.directory
  bool safe_blobs = false;  // blobs.safe
  bool dataset = false;     // sink.directory
};

struct KafkaConfig {
  std::string brokers;
  std::string topic_prefix;
  std::chrono::milliseconds session_timeout = kafka::StageOptions{}.session_timeout;
  std::chrono::milliseconds transaction_timeout = kafka::StageOptions{}.transaction_timeout;
  std::map<std::string, std::string> properties;      // passed to librdkafka as they are
  std::map<std::string, std::string> property_files;  // the value is what the file holds
};

struct BlobConfig {
  std::string raw;   // directories; empty: no store
  std::string safe;
  std::uint64_t inline_max_bytes = kafka::StageOptions{}.inline_max_bytes;
};

struct HttpConfig {
  std::string address = "0.0.0.0";
  std::uint64_t port = 9464;
  std::chrono::milliseconds stuck_after = std::chrono::minutes(5);
};

struct DeduperConfig {
  std::uint64_t index_memory = 4ull << 30;
};

struct SinkConfig {
  std::string directory;
  std::chrono::milliseconds seal_when_idle = kafka::SinkOptions{}.seal_when_idle;
};

struct ServiceConfig {
  std::string spec;      // file
  std::string instance;  // name of this process slot, see kafka::StageOptions::instance
  std::string models;    // directory
  std::uint64_t lanes = 0;  // 0: one for each core
  std::uint64_t max_bytes_in_flight = kafka::StageOptions{}.max_bytes_in_flight;
  std::chrono::milliseconds drain = kafka::StageOptions{}.drain_timeout;
  std::chrono::milliseconds fenced_linger = std::chrono::seconds(20);
  std::string state_directory;
  kafka::CommitLimits commit;
  KafkaConfig kafka;
  BlobConfig blobs;
  HttpConfig http;
  DeduperConfig deduper;
  SinkConfig sink;
  std::map<std::string, std::chrono::milliseconds> sources;  // how long each may be silent
};

// Name and value of environment variables.
using Environment = std::map<std::string, std::string>;

// Of this process, those that begin with WINNOW_.
Environment ReadEnvironment();

// `defaults` with the settings of `path` ("" = none) on top, and the environment's on top of them.
// WINNOW_KAFKA__TOPIC_PREFIX sets kafka.topic_prefix; WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD the
// property sasl.password, WINNOW_SOURCES__GATE_1 the source GATE_1; with _FILE at the end of the name the value is read from the file it
// gives. Variables that begin with WINNOW_ and hold no "__" may be others' and are ignored if they
// name no key; with "__" they are meant for Winnow and wrong names are problems.
//
// kConfig with one line per problem, all of them: "path:line:column: message" or "VARIABLE:
// message". No message holds a value that may be a secret.
Result<ServiceConfig> LoadConfig(const std::string& path, const Environment& environment,
                                 ServiceConfig defaults = {});

// kConfig, one line each, for what must be set and is not, and for settings that contradict each
// other. Does not look at the file system.
Status CheckComplete(const ServiceConfig& config, const Needs& needs);

// Every key with default, unit, meaning, the services that use it and its environment variable, as
// YAML that LoadConfig reads. One file can serve all services: what one does not use it checks and
// otherwise ignores.
std::string DescribeConfig(ServiceConfig defaults = {});

}  // namespace winnow::service
