#include "libs/dataset/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

namespace winnow::dataset {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTar = ".tar";
constexpr std::string_view kJson = ".json";

constexpr int kVersionWithoutReplacements = 1;

std::string PartitionText(int partition) { return fmt::format("-p{:03}", partition); }

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Part FromJson(const Json& json) {
  Part part;
  part.shard = {json.at("shard"), json.at("split"), json.at("samples"), json.at("bytes"),
                json.at("sha256")};
  part.collection = json.at("collection");
  part.topic = json.at("topic");
  part.partition = json.at("partition");
  part.begin = json.at("begin");
  part.end = json.at("end");
  part.complete_until = json.at("complete_until");
  part.ids = json.at("ids").get<std::vector<std::string>>();
  part.class_counts = json.at("class_counts").get<std::map<std::string, std::uint64_t>>();
  part.splits = json.at("splits").get<std::map<std::string, double>>();
  if (json.at("format_version") == kVersionWithoutReplacements) return part;
  part.replaces = json.at("replaces").get<std::vector<std::string>>();
  part.superseded = json.at("superseded").get<std::vector<std::string>>();
  return part;
}

// A manifest copied to another place or edited by hand.
bool IsConsistent(const Part& part) {
  return part.begin >= 0 && part.begin < part.end && part.partition >= 0 &&
         part.ids.size() == part.shard.samples &&
         part.shard.name ==
             PartName(CollectionId(part.collection), part.shard.split, part.partition, part.begin);
}

Result<Json> ParseVersioned(const std::string& text, const std::string& path) {
  try {
    Json json = Json::parse(text);
    const int version = json.at("format_version");
    if (version == kPartVersion || version == kVersionWithoutReplacements) return json;
    return ConfigError(fmt::format("{} has format version {}; this Winnow reads versions {} and {}",
                                   path, version, kVersionWithoutReplacements, kPartVersion));
  } catch (const Json::exception& error) {
    return CorruptStateError(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

std::string Dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

auto SequenceOf(const Part& part) {
  return std::tie(part.topic, part.partition, part.shard.split);
}

}  // namespace

std::string PartDirectory(const std::string& dataset_directory) {
  return JoinPath(dataset_directory, ".winnow/parts");
}

std::string PartName(const CollectionId& collection, std::string_view split, int partition,
                     std::int64_t begin) {
  return fmt::format("{}-{}{}-{:012}.tar", collection.value(), split, PartitionText(partition),
                     begin);
}

bool IsOfPartition(std::string_view file_name, const CollectionId& collection, int partition) {
  const std::string_view name = file_name.substr(0, file_name.find('.'));
  const std::string prefix = collection.value() + "-";
  const std::size_t dash = name.rfind('-');
  return name.substr(0, prefix.size()) == prefix && dash != std::string_view::npos &&
         file_name.substr(name.size(), 4) == ".tar" &&
         EndsWith(name.substr(0, dash), PartitionText(partition));
}

std::string FormatPart(const Part& part) {
  return Dump({{"format_version", kPartVersion},
               {"collection", part.collection},
               {"topic", part.topic},
               {"partition", part.partition},
               {"begin", part.begin},
               {"end", part.end},
               {"complete_until", part.complete_until},
               {"shard", part.shard.name},
               {"split", part.shard.split},
               {"samples", part.shard.samples},
               {"bytes", part.shard.bytes},
               {"sha256", part.shard.sha256},
               {"class_counts", part.class_counts},
               {"splits", part.splits},
               {"replaces", part.replaces},
               {"superseded", part.superseded},
               {"ids", part.ids}});
}

Result<Part> ParsePart(const std::string& text, const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const Json json, ParseVersioned(text, path));
  try {
    Part part = FromJson(json);
    if (IsConsistent(part)) return part;
    return CorruptStateError(path + " contradicts itself; put back the original");
  } catch (const Json::exception& error) {
    return CorruptStateError(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

std::string RewriteName(std::string_view shard, int generation) {
  return fmt::format("{}.r{}.json", shard, generation);
}

std::string FormatRewrite(const Rewrite& rewrite) {
  return Dump({{"format_version", kPartVersion},
               {"shard", rewrite.shard},
               {"generation", rewrite.generation},
               {"writer", rewrite.writer},
               {"samples", rewrite.samples},
               {"bytes", rewrite.bytes},
               {"sha256", rewrite.sha256},
               {"class_counts", rewrite.class_counts},
               {"superseded", rewrite.superseded}});
}

Result<Rewrite> ParseRewrite(const std::string& text, const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const Json json, ParseVersioned(text, path));
  try {
    return Rewrite{json.at("shard"),
                   json.at("generation"),
                   json.at("writer"),
                   json.at("samples"),
                   json.at("bytes"),
                   json.at("sha256"),
                   json.at("class_counts").get<std::map<std::string, std::uint64_t>>(),
                   json.at("superseded").get<std::vector<std::string>>()};
  } catch (const Json::exception& error) {
    return CorruptStateError(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

bool Apply(const Rewrite& rewrite, Part& part) {
  const std::set<std::string_view> gone(rewrite.superseded.begin(), rewrite.superseded.end());
  std::erase_if(part.ids, [&](const std::string& id) { return gone.count(id) > 0; });
  part.superseded = rewrite.superseded;
  part.generation = rewrite.generation;
  part.class_counts = rewrite.class_counts;
  part.shard.samples = rewrite.samples;
  part.shard.bytes = rewrite.bytes;
  part.shard.sha256 = rewrite.sha256;
  return rewrite.shard == part.shard.name && part.ids.size() == rewrite.samples;
}

Result<std::optional<std::string>> ReadSmallFile(Files& files, const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const auto size, files.Size(path));
  if (!size) return std::optional<std::string>();
  std::string text;
  WINNOW_RETURN_IF_ERROR(
      files.Read(path, *size, [&](std::string_view piece) { text.append(piece); }));
  return std::optional<std::string>(std::move(text));
}

std::string MarkName(const CollectionId& collection, int partition) {
  return collection.value() + PartitionText(partition) + ".mark";
}

std::string FormatMark(const Mark& mark) {
  return Dump({{"format_version", kPartVersion},
               {"topic", mark.topic},
               {"partition", mark.partition},
               {"complete_until", mark.complete_until}});
}

Result<Mark> ParseMark(const std::string& text, const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const Json json, ParseVersioned(text, path));
  try {
    return Mark{json.at("topic"), json.at("partition"), json.at("complete_until")};
  } catch (const Json::exception& error) {
    return CorruptStateError(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

namespace {

// The shard's name and 0 of "NAME.tar.json", 2 of "NAME.tar.r2.json"; nullopt for other files.
std::optional<PartFiles> ParseManifestName(std::string_view name) {
  const std::size_t tar = name.find(kTar);
  if (tar == std::string_view::npos || !EndsWith(name, kJson)) return std::nullopt;
  PartFiles files{std::string(name.substr(0, tar + kTar.size())), 0};
  std::string_view middle = name.substr(files.shard.size());
  middle.remove_suffix(kJson.size());
  if (middle.empty()) return files;
  if (middle.substr(0, 2) != ".r") return std::nullopt;
  middle.remove_prefix(2);
  const auto [end, fault] =
      std::from_chars(middle.data(), middle.data() + middle.size(), files.generation);
  if (fault != std::errc() || end != middle.data() + middle.size()) return std::nullopt;
  return files;
}

}  // namespace

std::vector<PartFiles> FindParts(const std::vector<std::string>& file_names) {
  std::map<std::string, int> last;
  for (const std::string& name : file_names) {
    const auto found = ParseManifestName(name);
    if (!found) continue;
    int& generation = last[found->shard];
    generation = std::max(generation, found->generation);
  }
  std::vector<PartFiles> parts;
  for (const auto& [shard, generation] : last) parts.push_back({shard, generation});
  return parts;
}

Result<StoredPart> ReadPart(Files& files, const std::string& part_directory,
                            const PartFiles& found) {
  StoredPart stored;
  const std::string path = JoinPath(part_directory, found.shard + std::string(kJson));
  WINNOW_ASSIGN_OR_RETURN(const auto text, ReadSmallFile(files, path));
  WINNOW_ASSIGN_OR_RETURN(stored.part, ParsePart(text.value_or(""), path));
  if (stored.part.shard.name != found.shard) {
    return CorruptStateError(path + " describes another shard; put back the original");
  }
  if (found.generation == 0) return stored;
  const std::string rewritten =
      JoinPath(part_directory, RewriteName(found.shard, found.generation));
  WINNOW_ASSIGN_OR_RETURN(const auto later, ReadSmallFile(files, rewritten));
  WINNOW_ASSIGN_OR_RETURN(stored.rewrite, ParseRewrite(later.value_or(""), rewritten));
  const bool fits = stored.rewrite->generation == found.generation &&
                    Apply(*stored.rewrite, stored.part);
  if (fits) return stored;
  return CorruptStateError(fmt::format("{} and {} contradict each other; put back the originals",
                                       path, rewritten));
}

Result<std::vector<Part>> ReadParts(const std::string& directory, Files& files) {
  const std::string place = PartDirectory(directory);
  WINNOW_ASSIGN_OR_RETURN(const auto names, files.List(place));
  std::vector<Part> parts;
  for (const PartFiles& found : FindParts(names)) {
    WINNOW_ASSIGN_OR_RETURN(StoredPart stored, ReadPart(files, place, found));
    parts.push_back(std::move(stored.part));
  }
  return parts;
}

std::vector<std::string> CheckRanges(const std::vector<Part>& parts) {
  std::vector<const Part*> ordered;
  for (const Part& part : parts) ordered.push_back(&part);
  std::sort(ordered.begin(), ordered.end(), [](const Part* a, const Part* b) {
    return std::tuple(SequenceOf(*a), a->begin) < std::tuple(SequenceOf(*b), b->begin);
  });
  std::vector<std::string> problems;
  const Part* before = nullptr;
  for (const Part* part : ordered) {
    const bool follows = before != nullptr && SequenceOf(*before) == SequenceOf(*part);
    const std::int64_t expected = follows ? before->end : 0;
    if (part->begin != expected) {
      problems.push_back(fmt::format("{}: begins at offset {} of partition {}, but the parts "
                                     "before it end at {}: {}",
                                     part->shard.name, part->begin, part->partition, expected,
                                     part->begin > expected ? "a gap" : "an overlap"));
    }
    before = part;
  }
  return problems;
}

std::map<std::string, std::vector<std::string>> FindReplaced(const std::vector<Part>& parts) {
  std::set<std::string_view> replaced;
  for (const Part& part : parts) replaced.insert(part.replaces.begin(), part.replaces.end());
  std::map<std::string, std::vector<std::string>> found;
  if (replaced.empty()) return found;
  for (const Part& part : parts) {
    for (const std::string& id : part.ids) {
      if (replaced.count(id) > 0) found[part.shard.name].push_back(id);
    }
  }
  return found;
}

std::vector<std::string> CheckIds(const std::vector<Part>& parts) {
  std::vector<std::string> problems;
  std::map<std::string_view, const Part*> seen;
  for (const Part& part : parts) {
    for (const std::string& id : part.ids) {
      const auto [entry, is_new] = seen.emplace(id, &part);
      if (is_new) continue;
      problems.push_back(fmt::format("{}: record {} is in {} already", part.shard.name, id,
                                     entry->second->shard.name));
    }
  }
  return problems;
}

}  // namespace winnow::dataset
