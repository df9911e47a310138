// `winnow topics acl`: prints the rights each service needs, for who gives them.
#pragma once

#include <string>
#include <vector>

#include "libs/base/result.h"
#include "services/winnow/acl.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

enum class AclFormat { kCommands, kStrimzi, kJson };

struct AclCommandOptions {
  std::string file{};    // declaration of the topics; empty: those of the pipeline
  std::string prefix{};  // before every topic and group name
  std::string principal = "User:winnow-{service}";
  std::string cluster{};  // for kStrimzi: the Kafka resource the users belong to
  AclFormat format = AclFormat::kCommands;
};

// To stdout. Asks no broker.
ExitCode AclCommand(const AclCommandOptions& options);

// What is printed. kConfig for a principal without {service}, or one that cannot be a Strimzi user.
Result<std::string> AclText(const std::vector<AclUser>& users, const AclCommandOptions& options);

}  // namespace winnow::cli
