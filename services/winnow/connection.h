// Options of the commands that talk to Kafka.
#pragma once

#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::cli {

struct ConnectionOptions {
  std::string brokers;
  std::string prefix;                   // before every topic and group name
  std::vector<std::string> properties = {};  // "name=value", or "name=@file" for secrets
};

// kConfig for a property that is not of that form or whose file cannot be read. Names and values
// are judged when a client is made.
Result<kafka::ClientConfig> ClientOf(const ConnectionOptions& options);

}  // namespace winnow::cli
