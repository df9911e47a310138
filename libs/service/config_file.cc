// Settings from YAML.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/service/config_keys.h"
#include "libs/spec/nearest.h"
#include "libs/spec/report.h"
#include "libs/spec/yaml_tree.h"

namespace winnow::service {
namespace {

using spec::Node;

const Key* FindKey(std::string_view path) {
  const auto keys = ConfigKeys();
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [path](const Key& key) { return key.path == path; });
  return found == keys.end() ? nullptr : &*found;
}

// What may stand directly below `section` (with its dot; "" for the top): keys and sections.
std::vector<std::string> NamesIn(const std::string& section) {
  std::vector<std::string> names;
  for (const Key& key : ConfigKeys()) {
    if (key.path.substr(0, section.size()) != section) continue;
    const std::string_view rest = key.path.substr(section.size());
    const std::string name(rest.substr(0, rest.find('.')));
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

class FileReader {
 public:
  FileReader(ServiceConfig& config, std::vector<spec::Problem>& problems)
      : config_(config), problems_(problems) {}

  void ReadSection(const Node& node, const std::string& section) {
    if (node.kind == Node::Kind::kNull) return;
    if (node.kind != Node::Kind::kMap) {
      return Add(node, section.empty() ? "the file must hold \"key: value\" lines"
                                       : "must hold keys, indented below it");
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const Node& name = node.items[i];
      if (!seen.insert(name.text).second) {
        Add(name, spec::Quoted(section + name.text) + " is set twice: remove one");
      } else {
        ReadEntry(name, node.items[i + 1], section);
      }
    }
  }

 private:
  void Add(const Node& node, std::string message) {
    problems_.push_back({node.mark.line, node.mark.column, std::move(message)});
  }

  void ReadEntry(const Node& name, const Node& value, const std::string& section) {
    const std::string path = section + name.text;
    if (const Key* const key = FindKey(path)) return ReadValue(*key, value);
    const std::vector<std::string> names = NamesIn(section);
    if (std::find(names.begin(), names.end(), name.text) != names.end()) {
      return ReadSection(value, path + ".");
    }
    const auto nearest = spec::Nearest(name.text, names);
    Add(name, fmt::format("unknown key {}: {}", spec::Quoted(path),
                          nearest ? fmt::format("did you mean \"{}{}\"?", section, *nearest)
                                  : fmt::format("there is {}", fmt::join(names, ", "))));
  }

  void ReadValue(const Key& key, const Node& value) {
    if (key.is_map()) return ReadEntries(key, value);
    if (value.kind != Node::Kind::kScalar) {
      return Add(value, fmt::format("{} has no single value: write one or remove the key",
                                    key.path));
    }
    if (const Status set = SetValue(key, config_, value.text); !set) {
      Add(value, fmt::format("{} {}", key.path, set.error().message));
    }
  }

  // Values may be secrets: no message written here shows one.
  void ReadEntries(const Key& key, const Node& value) {
    if (value.kind == Node::Kind::kNull) return;
    if (value.kind != Node::Kind::kMap) {
      return Add(value, fmt::format("{} must hold \"name: value\" lines", key.path));
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const Node& name = value.items[i];
      if (!seen.insert(name.text).second) {
        Add(name, fmt::format("{} of {} is set twice: remove one", spec::Quoted(name.text),
                              key.path));
      } else {
        ReadNamed(key, name, value.items[i + 1]);
      }
    }
  }

  void ReadNamed(const Key& key, const Node& name, const Node& value) {
    const std::string what = fmt::format("{} of {}", spec::Quoted(name.text), key.path);
    if (value.kind != Node::Kind::kScalar) {
      return Add(value, what + (key.unit == Unit::kTextMap
                                    ? " must be one text; names keep their dots: "
                                      "\"sasl.mechanism: PLAIN\""
                                    : " has no single value: write one or remove the name"));
    }
    if (const Status set = SetEntry(key, config_, name.text, value.text); !set) {
      Add(value, what + ": " + set.error().message);
    }
  }

  ServiceConfig& config_;
  std::vector<spec::Problem>& problems_;
};

}  // namespace

void ReadConfigFile(const std::string& path, ServiceConfig& config, Problems& problems) {
  const Result<std::string> text = ReadSmallFile(path, spec::kMaxFileBytes);
  if (!text) return problems.push_back(text.error().message);
  spec::YamlTree tree = spec::ReadYaml(*text);
  if (tree.problems.empty()) FileReader(config, tree.problems).ReadSection(tree.root, "");
  if (!tree.problems.empty()) problems.push_back(spec::FormatProblems(path, tree.problems));
}

}  // namespace winnow::service
