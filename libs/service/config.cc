#include "libs/service/config.h"

#include <fmt/format.h>

#include <utility>

#include "libs/service/config_keys.h"

namespace winnow::service {
namespace {

Status ToStatus(const Problems& problems) {
  if (problems.empty()) return {};
  return ConfigError(fmt::format("{}", fmt::join(problems, "\n")));
}

void ReadPropertyFiles(KafkaConfig& kafka, Problems& problems) {
  for (const auto& [name, path] : kafka.property_files) {
    if (kafka.properties.count(name) != 0) {
      problems.push_back("kafka.property_files: " + name +
                         " stands in kafka.properties, too: keep one");
    } else if (const Result<std::string> text = ReadSecretFile(path); !text) {
      problems.push_back("kafka.property_files: " + name + ": " + text.error().message);
    } else {
      kafka.properties[name] = *text;
    }
  }
  kafka.property_files.clear();
}

std::string Missing(std::string_view path) {
  for (const Key& key : ConfigKeys()) {
    if (key.path == path) {
      return fmt::format("{} is not set: give it in the configuration file or as {}", path,
                         key.variable());
    }
  }
  return std::string(path);
}

std::string CommentOf(const Key& key) {
  const std::string_view unit = NameOf(key.unit);
  return fmt::format("# {}{}. Used by: {}", key.meaning, unit.empty() ? "" : fmt::format("; {}", unit),
                     NameOf(key.used_by));
}

}  // namespace

Result<ServiceConfig> LoadConfig(const std::string& path, const Environment& environment,
                                 ServiceConfig defaults) {
  ServiceConfig config = std::move(defaults);
  Problems problems;
  if (!path.empty()) ReadConfigFile(path, config, problems);
  ReadConfigEnvironment(environment, config, problems);
  ReadPropertyFiles(config.kafka, problems);
  WINNOW_RETURN_IF_ERROR(ToStatus(problems));
  return config;
}

Status CheckComplete(const ServiceConfig& config, const Needs& needs) {
  Problems problems;
  const auto require = [&problems](bool needed, const std::string& value, std::string_view path) {
    if (needed && value.empty()) problems.push_back(Missing(path));
  };
  require(true, config.spec, "spec");
  require(true, config.instance, "instance");
  require(true, config.kafka.brokers, "kafka.brokers");
  require(needs.state, config.state_directory, "state.directory");
  require(needs.safe_blobs, config.blobs.safe, "blobs.safe");
  require(needs.dataset, config.sink.directory, "sink.directory");
  if (config.commit.interval * 2 > config.kafka.transaction_timeout) {
    problems.push_back(
        "commit.interval_ms must be at most half of kafka.transaction_timeout_ms: the broker would "
        "give up transactions before they are committed");
  }
  if (!config.blobs.raw.empty() && config.blobs.raw == config.blobs.safe) {
    problems.push_back("blobs.raw and blobs.safe are one folder: unredacted bytes may not lie in "
                       "the safe zone");
  }
  return ToStatus(problems);
}

std::string DescribeConfig(ServiceConfig defaults) {
  std::string text =
      "# Every key with its default. From the environment: WINNOW_, the key in capitals, \".\" as\n"
      "# \"__\" (WINNOW_KAFKA__BROKERS); with _FILE at the end: the value is what that file holds.\n"
      "# Properties of the client: WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD sets sasl.password.\n";
  std::string_view section;
  for (const Key& key : ConfigKeys()) {
    const std::size_t dot = key.path.find('.');
    const std::string_view parent =
        dot == std::string_view::npos ? std::string_view() : key.path.substr(0, dot);
    if (parent != section) text += fmt::format("\n{}:\n", parent);
    section = parent;
    const std::string_view name = parent.empty() ? key.path : key.path.substr(dot + 1);
    const std::string_view indent = parent.empty() ? "" : "  ";
    text += fmt::format("{0}{1}\n{0}{2}: {3}\n", indent, CommentOf(key), name,
                        FormatValue(key, defaults));
  }
  return text;
}

}  // namespace winnow::service
