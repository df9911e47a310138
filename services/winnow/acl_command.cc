#include "services/winnow/acl_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libs/kafka/topic_admin.h"

namespace winnow::cli {
namespace {

constexpr std::string_view kPlaceholder = "{service}";
constexpr std::string_view kUserType = "User:";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-.";

std::string_view Name(AclOperation operation) {
  switch (operation) {
    case AclOperation::kRead: return "Read";
    case AclOperation::kWrite: return "Write";
    case AclOperation::kCreate: return "Create";
    case AclOperation::kDescribe: return "Describe";
    case AclOperation::kDescribeConfigs: return "DescribeConfigs";
  }
  return "";
}

std::string_view Name(AclPattern pattern) {
  return pattern == AclPattern::kPrefixed ? "prefix" : "literal";
}

// As kafka-acls names it; Strimzi writes transactionalId.
std::string_view Name(AclResource resource) {
  switch (resource) {
    case AclResource::kTopic: return "topic";
    case AclResource::kGroup: return "group";
    case AclResource::kTransactionalId: return "transactional-id";
  }
  return "";
}

std::string_view ZoneName(const AclUser& user) {
  return user.zone == record::Zone::kRaw ? "raw" : "safe";
}

std::string PrincipalOf(const AclUser& user, const std::string& pattern) {
  std::string principal = pattern;
  return principal.replace(principal.find(kPlaceholder), kPlaceholder.size(), user.service);
}

// For a shell, which a distinguished name or a star would mislead.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Command(const AclRight& right, const std::string& principal) {
  std::string line = fmt::format(
      "kafka-acls.sh --bootstrap-server \"$BROKERS\" --command-config \"$ADMIN\" --add "
      "--allow-principal {}",
      Quoted(principal));
  for (const AclOperation operation : right.operations) {
    line += fmt::format(" --operation {}", Name(operation));
  }
  line += fmt::format(" --{} {}", Name(right.resource), Quoted(right.name));
  if (right.pattern == AclPattern::kPrefixed) line += " --resource-pattern-type prefixed";
  return line + "\n";
}

std::string Commands(const std::vector<AclUser>& users, const std::string& pattern) {
  std::string text =
      "#!/bin/bash\n"
      "# Rights of one Winnow pipeline. BROKERS=HOST:PORT ADMIN=admin.properties bash acl.sh\n"
      "set -euo pipefail\n";
  for (const AclUser& user : users) {
    text += fmt::format("\n# {}: {}, {} zone\n", user.service, user.purpose, ZoneName(user));
    for (const AclRight& right : user.rights) text += Command(right, PrincipalOf(user, pattern));
  }
  return text;
}

std::string StrimziRight(const AclRight& right) {
  std::string names;
  for (const AclOperation operation : right.operations) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", Name(operation));
  }
  const bool transactions = right.resource == AclResource::kTransactionalId;
  return fmt::format(
      "      - resource:\n"
      "          type: {}\n"
      "          name: {}\n"
      "          patternType: {}\n"
      "        operations: [{}]\n",
      transactions ? "transactionalId" : Name(right.resource), right.name, Name(right.pattern),
      names);
}

Result<std::string> StrimziUser(const AclUser& user, const AclCommandOptions& options) {
  std::string name = PrincipalOf(user, options.principal);
  if (name.starts_with(kUserType)) name.erase(0, kUserType.size());
  if (name.find_first_not_of(kNameCharacters) != std::string::npos) {
    return ConfigError(fmt::format(
        "--principal: '{}' cannot be the name of a KafkaUser; it becomes one, so use lower case "
        "letters, digits, - and . as in User:winnow-{{service}}",
        name));
  }
  std::string text = fmt::format(
      "---\n"
      "# {}, {} zone\n"
      "apiVersion: kafka.strimzi.io/v1beta2\n"
      "kind: KafkaUser\n"
      "metadata:\n"
      "  name: {}\n"
      "  labels:\n"
      "    strimzi.io/cluster: {}\n"
      "spec:\n"
      "  authentication:\n"
      "    type: scram-sha-512\n"
      "  authorization:\n"
      "    type: simple\n"
      "    acls:\n",
      user.purpose, ZoneName(user), name, options.cluster);
  for (const AclRight& right : user.rights) text += StrimziRight(right);
  return text;
}

std::string Json(const std::vector<AclUser>& users, const std::string& pattern) {
  nlohmann::ordered_json all = {{"version", 1}, {"users", nlohmann::ordered_json::array()}};
  for (const AclUser& user : users) {
    nlohmann::ordered_json rights = nlohmann::ordered_json::array();
    for (const AclRight& right : user.rights) {
      nlohmann::ordered_json operations = nlohmann::ordered_json::array();
      for (const AclOperation operation : right.operations) operations.push_back(Name(operation));
      rights.push_back({{"resource", Name(right.resource)},
                        {"name", right.name},
                        {"pattern", Name(right.pattern)},
                        {"operations", std::move(operations)}});
    }
    all["users"].push_back({{"service", user.service},
                            {"principal", PrincipalOf(user, pattern)},
                            {"zone", ZoneName(user)},
                            {"rights", std::move(rights)}});
  }
  return all.dump(2) + "\n";
}

Result<std::vector<std::string>> DeclaredTopics(const std::string& file) {
  std::vector<std::string> names;
  if (file.empty()) return names;
  WINNOW_ASSIGN_OR_RETURN(const auto topics, kafka::LoadTopics(file));
  for (const kafka::TopicDeclaration& topic : topics) names.push_back(topic.name);
  return names;
}

Result<std::string> Text(const AclCommandOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const auto declared, DeclaredTopics(options.file));
  return AclText(AclUsers(options.prefix, declared), options);
}

}  // namespace

Result<std::string> AclText(const std::vector<AclUser>& users, const AclCommandOptions& options) {
  if (options.principal.find(kPlaceholder) == std::string::npos) {
    return ConfigError("--principal must have {service} in it, as in User:winnow-{service}: one "
                       "principal for all would have the rights of both zones");
  }
  if (options.format == AclFormat::kCommands) return Commands(users, options.principal);
  if (options.format == AclFormat::kJson) return Json(users, options.principal);
  if (options.cluster.empty()) {
    return ConfigError("--format strimzi needs --cluster, the name of the Kafka resource");
  }
  std::string text;
  for (const AclUser& user : users) {
    WINNOW_ASSIGN_OR_RETURN(const std::string resource, StrimziUser(user, options));
    text += resource;
  }
  return text;
}

ExitCode AclCommand(const AclCommandOptions& options) {
  const Result<std::string> text = Text(options);
  if (text) {
    fmt::print("{}", *text);
    return ExitCode::kOk;
  }
  fmt::print(stderr, "winnow: {}\n", text.error().message);
  return ExitCodeFor(text.error().code);
}

}  // namespace winnow::cli
