#include "services/winnow/spec_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "libs/spec/spec.h"

namespace winnow::cli {
namespace {

ExitCode Complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return ExitCodeFor(error.code);
}

}  // namespace

ExitCode CheckSpec(const std::string& path) {
  const auto spec = spec::Load(path);
  if (!spec) return Complain(spec.error());
  fmt::print("{}: ok, collection '{}', digest {}\n", path, spec->collection.value(),
             spec->digest.substr(0, 12));
  return ExitCode::kOk;
}

ExitCode DescribeSpec(const std::string& path) {
  const auto spec = spec::Load(path);
  if (!spec) return Complain(spec.error());
  fmt::print("{}", spec::Describe(*spec));
  return ExitCode::kOk;
}

}  // namespace winnow::cli
