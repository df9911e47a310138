// Settings from environment variables.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>

#include "libs/service/config_keys.h"
#include "libs/spec/nearest.h"

namespace winnow::service {
namespace {

constexpr std::string_view kPrefix = "WINNOW_";
constexpr std::string_view kFromFile = "_FILE";
constexpr std::size_t kMostSecretBytes = 64 << 10;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// A setting a variable names: a key, and for maps the entry's name.
struct Target {
  const Key* key = nullptr;
  std::string entry;
};

// Shells allow no dots in names, and no property of librdkafka that can be set has an underscore.
std::string PropertyName(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '_' ? '.' : static_cast<char>(std::tolower(c));
  });
  return name;
}

std::optional<Target> FindTarget(std::string_view variable) {
  for (const Key& key : ConfigKeys()) {
    const std::string name = key.variable();
    if (!key.is_map()) {
      if (variable == name) return Target{&key, ""};
    } else if (StartsWith(variable, name + "__") && variable.size() > name.size() + 2) {
      const std::string_view entry = variable.substr(name.size() + 2);
      return Target{&key, key.unit == Unit::kTextMap ? PropertyName(entry) : std::string(entry)};
    }
  }
  return std::nullopt;
}

// What the environment says of a property replaces what the file says, wherever it says it.
Status Set(const Target& target, ServiceConfig& config, const std::string& text) {
  if (!target.key->is_map()) return SetValue(*target.key, config, text);
  if (target.key->unit == Unit::kTextMap) {
    config.kafka.properties.erase(target.entry);
    config.kafka.property_files.erase(target.entry);
  }
  return SetEntry(*target.key, config, target.entry, text);
}

Status SetFromFile(std::string_view variable, ServiceConfig& config, const std::string& path) {
  const auto target = FindTarget(variable.substr(0, variable.size() - kFromFile.size()));
  WINNOW_ASSIGN_OR_RETURN(const std::string text, ReadSecretFile(path));
  return Set(*target, config, text);
}

bool NamesAFile(std::string_view variable) {
  return EndsWith(variable, kFromFile) &&
         FindTarget(variable.substr(0, variable.size() - kFromFile.size())).has_value();
}

std::string Unknown(const std::string& variable) {
  std::vector<std::string> names;
  for (const Key& key : ConfigKeys()) names.push_back(key.variable());
  const auto nearest = spec::Nearest(variable, names);
  return "names no setting: " + (nearest ? "did you mean " + *nearest + "?"
                                         : "--describe-config lists them all");
}

}  // namespace

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!StartsWith(text, kPrefix) || equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<std::string> ReadSmallFile(const std::string& path, std::size_t most_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most_bytes + 1, '\0');
  // Of a folder, read() sets badbit where an istreambuf_iterator would throw.
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return ConfigError(path + " cannot be read: check the path and its permissions");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= most_bytes) return text;
  return ConfigError(fmt::format("{} is larger than {} KiB", path, most_bytes >> 10));
}

Result<std::string> ReadSecretFile(const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(std::string text, ReadSmallFile(path, kMostSecretBytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return ConfigError(path + " is empty");
  return text;
}

void ReadConfigEnvironment(const Environment& environment, ServiceConfig& config,
                           Problems& problems) {
  for (const auto& [variable, text] : environment) {
    Status set;
    // A property may be called something.file only through its own variable, so this comes first.
    if (NamesAFile(variable)) {
      set = SetFromFile(variable, config, text);
    } else if (const auto target = FindTarget(variable)) {
      set = Set(*target, config, text);
    } else if (variable.find("__") != std::string::npos) {
      set = ConfigError(Unknown(variable));
    }
    if (!set) problems.push_back(variable + ": " + set.error().message);
  }
}

}  // namespace winnow::service
