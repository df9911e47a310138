#include "services/winnow/topics_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace winnow::cli {
namespace {

constexpr const char* kInsync = "min.insync.replicas";

Result<ExitCode> Run(const TopicsCommandOptions& options, kafka::TopicMode mode) {
  WINNOW_ASSIGN_OR_RETURN(const kafka::ClientConfig client, ClientOf(options.connection));
  WINNOW_ASSIGN_OR_RETURN(auto topics, kafka::LoadTopics(options.file));
  topics = Override(std::move(topics), options.replication, options.partitions);
  WINNOW_ASSIGN_OR_RETURN(
      const auto findings,
      kafka::ApplyTopics(client, options.connection.prefix, topics, mode));
  std::size_t differences = 0;
  for (const kafka::TopicFinding& finding : findings) {
    fmt::print("{}: {}\n", finding.topic, finding.what);
    if (!finding.created) ++differences;
  }
  if (differences > 0) {
    fmt::print("{} differences between {} and the cluster\n", differences, options.file);
    return ExitCode::kCorrupt;
  }
  fmt::print("{} topics are as {} declares them\n", topics.size(), options.file);
  return ExitCode::kOk;
}

}  // namespace

std::vector<kafka::TopicDeclaration> Override(std::vector<kafka::TopicDeclaration> topics,
                                              int replication, int partitions) {
  for (kafka::TopicDeclaration& topic : topics) {
    if (partitions > 0) topic.partitions = partitions;
    if (replication > 0) topic.replication = replication;
    const auto insync = topic.configs.find(kInsync);
    if (insync != topic.configs.end() &&
        std::strtol(insync->second.c_str(), nullptr, 10) > topic.replication) {
      insync->second = std::to_string(topic.replication);
    }
  }
  return topics;
}

ExitCode TopicsCommand(const TopicsCommandOptions& options, kafka::TopicMode mode) {
  const Result<ExitCode> result = Run(options, mode);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
