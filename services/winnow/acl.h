// The rights on a Kafka cluster that each service and tool needs, and no more.
#pragma once

#include <string>
#include <vector>

#include "libs/record/codec.h"

namespace winnow::cli {

enum class AclResource { kTopic, kGroup, kTransactionalId };
enum class AclPattern { kLiteral, kPrefixed };

// Kafka's own names. Read and Write imply Describe.
enum class AclOperation { kRead, kWrite, kCreate, kDescribe, kDescribeConfigs };

struct AclRight {
  AclResource resource = AclResource::kTopic;
  std::string name{};
  AclPattern pattern = AclPattern::kLiteral;
  std::vector<AclOperation> operations{};
};

// A program that shows credentials of its own.
struct AclUser {
  std::string service{};  // "deduper"; "ingest" is whatever feeds images.raw
  std::string purpose{};  // one line
  record::Zone zone = record::Zone::kSafe;  // raw: faces can be seen with these credentials
  std::vector<AclRight> rights{};
};

// From the table of stages (libs/kafka/stage_flow.h). `declared` are the topics that `topics apply`
// makes, without prefix; empty: those of the pipeline.
std::vector<AclUser> AclUsers(const std::string& prefix, const std::vector<std::string>& declared);

}  // namespace winnow::cli
