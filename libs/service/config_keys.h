// The one table of configuration keys. Private to the room.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/service/config.h"

namespace winnow::service {

enum class Unit {
  kText, kName, kPath, kNumber, kBytes, kMilliseconds, kSeconds, kTextMap, kSecondsMap
};

// A setting. Borrowed: valid as long as the config it points into.
using Value = std::variant<std::string*, std::uint64_t*, std::chrono::milliseconds*,
                           std::map<std::string, std::string>*,
                           std::map<std::string, std::chrono::milliseconds>*>;

enum class UsedBy { kAll, kStages, kStateful, kValidator, kBlurrer, kDeduper, kSink };

struct Key {
  std::string_view path;  // "kafka.brokers"
  Value (*of)(ServiceConfig& config);
  Unit unit;
  double least;  // of numbers, also of a map's, in the unit of the key, both ends included
  double most;
  UsedBy used_by;
  std::string_view meaning;  // one line

  // "WINNOW_KAFKA__BROKERS"
  std::string variable() const;
  // Holds entries, name: value.
  bool is_map() const { return unit == Unit::kTextMap || unit == Unit::kSecondsMap; }
};

// In the order in which they are described.
std::span<const Key> ConfigKeys();

// Sets what `key` names from its text. An error is the end of a sentence that begins with the key:
// "is not a whole number: write 4". Not for maps.
Status SetValue(const Key& key, ServiceConfig& config, const std::string& text);

// Sets or replaces the entry `name` of the map that `key` names; errors as above. Messages of a
// kTextMap hold no value: it may be a secret.
Status SetEntry(const Key& key, ServiceConfig& config, const std::string& name,
                const std::string& text);

// The value as SetValue reads it; of maps "{}".
std::string FormatValue(const Key& key, ServiceConfig& config);

// "whole number", "bytes", "milliseconds" ...; empty for text.
std::string_view NameOf(Unit unit);
// "all", "sink" ...
std::string_view NameOf(UsedBy used_by);

// One finding: where ("path:3:1" or a variable) and what.
using Problems = std::vector<std::string>;

// Both set what is right in `config` and add a line to `problems` for what is wrong.
void ReadConfigFile(const std::string& path, ServiceConfig& config, Problems& problems);
void ReadConfigEnvironment(const Environment& environment, ServiceConfig& config,
                           Problems& problems);

// The whole of a small file. kConfig if it cannot be read or is larger than `most_bytes`.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t most_bytes);

// A mounted secret: a file of 64 KiB at most, line ends at its end removed. kConfig if that leaves
// nothing.
Result<std::string> ReadSecretFile(const std::string& path);

}  // namespace winnow::service
