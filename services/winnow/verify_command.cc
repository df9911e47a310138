#include "services/winnow/verify_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "libs/dataset/manifest.h"

namespace winnow::cli {

ExitCode VerifyCommand(const std::string& output) {
  const auto problems = dataset::VerifyDataset(output);
  if (!problems) {
    fmt::print(stderr, "winnow: {}\n", problems.error().message);
    return ExitCodeFor(problems.error().code);
  }
  for (const std::string& problem : *problems) fmt::print(stderr, "winnow: {}\n", problem);
  if (!problems->empty()) return ExitCode::kCorrupt;
  fmt::print("{}: ok, every shard and sample is as the manifest says\n", output);
  return ExitCode::kOk;
}

}  // namespace winnow::cli
