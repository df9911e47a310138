#include "libs/spec/spec.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "libs/base/digest.h"
#include "libs/spec/canonical.h"
#include "libs/spec/check.h"
#include "libs/spec/reader.h"
#include "libs/spec/report.h"
#include "libs/spec/yaml_tree.h"

namespace winnow::spec {
namespace {

Error CannotRead(const std::string& path) {
  const std::string reason = std::generic_category().message(errno);
  return ConfigError(path + ": cannot be read: " + reason);
}

// The whole file, or its first kMaxFileBytes + 1 bytes: enough for Parse to refuse it.
Result<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) return CannotRead(path);
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return CannotRead(path);
  return text;
}

}  // namespace

std::string ScopeOf(const DedupPolicy& policy, const CollectionId& collection,
                    const SourceId& source) {
  if (policy.scope == DedupScope::kCollection) return collection.value();
  const auto group = policy.groups.find(source.value());
  const bool grouped = policy.scope == DedupScope::kGroup && group != policy.groups.end();
  return collection.value() + (grouped ? "/group/" + group->second : "/source/" + source.value());
}

CheckedSpec Parse(const std::string& yaml) {
  YamlTree tree = ReadYaml(yaml);
  if (!tree.problems.empty()) return {{}, std::move(tree.problems)};
  Reading reading = ReadFields(tree.root);
  if (!reading.version_known) return {{}, reading.problems.Take()};
  CheckMeaning(reading);
  reading.spec.digest = Digest(reading.spec);
  return {std::move(reading.spec), reading.problems.Take()};
}

Result<CollectionSpec> Load(const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  CheckedSpec checked = Parse(text);
  if (!checked.problems.empty()) return ConfigError(FormatProblems(path, checked.problems));
  return std::move(checked.spec);
}

std::string Describe(const CollectionSpec& spec) {
  return WriteCanonical(spec, Comments::kMeaningAndSource);
}

std::string Digest(const CollectionSpec& spec) {
  return ToHex(Sha256(WriteCanonical(spec, Comments::kNone)));
}

}  // namespace winnow::spec
