#include "services/winnow/state_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "libs/base/digest.h"
#include "libs/kafka/state_digest.h"

namespace winnow::cli {

ExitCode StateDigestCommand(const std::string& directory) {
  const auto digest = kafka::DigestState(directory);
  if (!digest) {
    fmt::print(stderr, "winnow: {}\n", digest.error().message);
    return ExitCodeFor(digest.error().code);
  }
  for (const kafka::PartitionDigest& partition : digest->partitions) {
    fmt::print("partition {} input {} changelog {} entries {} sha256 {}\n", partition.partition,
               partition.input_offset ? std::to_string(*partition.input_offset) : "-",
               partition.changelog_offset, partition.entries, ToHex(partition.sha256));
  }
  return ExitCode::kOk;
}

}  // namespace winnow::cli
