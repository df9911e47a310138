#include "libs/dataset/shard_state.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace winnow::dataset {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "2";
constexpr std::string_view kFormatWithoutRemovals = "1";
constexpr std::string_view kOpenPrefix = "open/";
constexpr std::string_view kClosedPrefix = "shard/";
constexpr std::string_view kRemovedPrefix = "removed/";

Error Unreadable(std::string_view key) {
  return CorruptStateError(
      fmt::format("the state entry \"{}\" of the dataset writer cannot be read; start over in a "
                  "new output directory",
                  key));
}

// nlohmann throws on a wrong type or a missing key; nothing of that leaves this function.
template <class Parse>
Status ScanEntries(const stream::StateView& state, std::string_view prefix, const Parse& parse) {
  Status status;
  const auto visit = [&](std::string_view key, std::string_view value) {
    try {
      parse(std::string(key.substr(prefix.size())), Json::parse(value));
    } catch (const Json::exception&) {
      status = Unreadable(key);
    }
    return status.has_value();
  };
  WINNOW_RETURN_IF_ERROR(state.Scan(prefix, visit));
  return status;
}

Status CheckFormat(const stream::StateView& state) {
  WINNOW_ASSIGN_OR_RETURN(const auto format, state.Get(kFormatKey));
  if (!format || *format == kFormat || *format == kFormatWithoutRemovals) return {};
  return CorruptStateError(fmt::format(
      "this dataset was begun by another version of Winnow (output format {}, this one writes {}); "
      "go on with that version or start a new output directory",
      *format, kFormat));
}

}  // namespace

Result<ShardState> ReadShardState(const stream::StateView& state) {
  WINNOW_RETURN_IF_ERROR(CheckFormat(state));
  ShardState result;
  WINNOW_RETURN_IF_ERROR(ScanEntries(state, kOpenPrefix, [&](const std::string& split, const Json& json) {
    result.open[split] = {json.at("number"), json.at("samples"), json.at("bytes")};
  }));
  WINNOW_RETURN_IF_ERROR(ScanEntries(state, kClosedPrefix, [&](std::string name, const Json& json) {
    result.closed.push_back({std::move(name), json.at("split"), json.at("samples"),
                             json.at("bytes"), json.at("sha256")});
  }));
  WINNOW_RETURN_IF_ERROR(state.Scan(kRemovedPrefix, [&](std::string_view key, std::string_view) {
    key.remove_prefix(kRemovedPrefix.size());
    const std::size_t slash = key.find('/');
    result.removed[std::string(key.substr(0, slash))].emplace(key.substr(slash + 1));
    return true;
  }));
  return result;
}

Result<std::vector<Shard>> ReadShards(const stream::StateView& state) {
  WINNOW_ASSIGN_OR_RETURN(auto shards, ReadShardState(state));
  return std::move(shards.closed);
}

stream::StateWrite FormatWrite() { return {std::string(kFormatKey), std::string(kFormat)}; }

stream::StateWrite OpenWrite(const std::string& split, const OpenShard& shard) {
  const Json json = {
      {"number", shard.number}, {"samples", shard.samples}, {"bytes", shard.bytes}};
  return {std::string(kOpenPrefix) + split, json.dump()};
}

stream::StateWrite ClosedWrite(const Shard& shard) {
  const Json json = {{"split", shard.split},
                     {"samples", shard.samples},
                     {"bytes", shard.bytes},
                     {"sha256", shard.sha256}};
  return {std::string(kClosedPrefix) + shard.name, json.dump()};
}

namespace {

std::string RemovedKey(const std::string& shard, const std::string& key) {
  return std::string(kRemovedPrefix) + shard + "/" + key;
}

}  // namespace

stream::StateWrite RemovedWrite(const std::string& shard, const std::string& key) {
  return {RemovedKey(shard, key), ""};
}

stream::StateWrite TakenOutWrite(const std::string& shard, const std::string& key) {
  return {RemovedKey(shard, key), std::nullopt};
}

}  // namespace winnow::dataset
