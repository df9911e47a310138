// `winnow topics apply|check`: makes the topics of a pipeline and says where they differ from their
// declaration.
#pragma once

#include <string>
#include <vector>

#include "libs/kafka/topic_admin.h"
#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct TopicsCommandOptions {
  ConnectionOptions connection;
  std::string file;
  int replication = 0;  // 0: as declared
  int partitions = 0;   // 0: as declared
};

// One line per finding on stdout. kCorrupt if an existing topic is not as declared (or, with
// kCheck, one is missing).
ExitCode TopicsCommand(const TopicsCommandOptions& options, kafka::TopicMode mode);

// The declarations with the given numbers in place of theirs (0 keeps them); min.insync.replicas
// never above the replication.
std::vector<kafka::TopicDeclaration> Override(std::vector<kafka::TopicDeclaration> topics,
                                              int replication, int partitions);

}  // namespace winnow::cli
