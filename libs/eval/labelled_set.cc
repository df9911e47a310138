#include "libs/eval/labelled_set.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "libs/base/whole_file.h"
#include "libs/eval/manifest_json.h"

namespace winnow::eval {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

bool IsItem(const Json& item) {
  return item.is_object() && item.contains("file") && item["file"].is_string();
}

bool IsManifest(const Json& json) {
  if (!json.is_object() || !json.contains("items") || !json["items"].is_array()) return false;
  return std::all_of(json["items"].begin(), json["items"].end(), IsItem);
}

// Sets name what was done by different words.
std::string FirstOf(const Json& item, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (std::string text = TextOf(item, key); !text.empty()) return text;
  }
  return {};
}

LabelledPicture ToPicture(const Json& item) {
  LabelledPicture picture;
  picture.file = TextOf(item, "file");
  picture.group = TextOf(item, "group");
  picture.transform = FirstOf(item, {"transform", "defect", "role"});
  picture.strength = FirstOf(item, {"strength", "level"});
  if (picture.transform.empty() && item.contains("offset")) {
    picture.transform = "later frame";
    picture.strength = "+" + TextOf(item, "offset");
  }
  picture.original = picture.transform == "original" || picture.strength == "+0" ||
                     (item.contains("defect") && picture.strength == "0");
  return picture;
}

// Exactly one of each group, the first that claims to be it.
void SettleOriginals(std::vector<LabelledPicture>& pictures) {
  std::map<std::string, LabelledPicture*> originals;
  for (LabelledPicture& picture : pictures) {
    LabelledPicture*& original = originals[picture.group];
    const bool first_claim = picture.original && original != nullptr && !original->original;
    if (original == nullptr || first_claim) original = &picture;
  }
  for (LabelledPicture& picture : pictures) {
    picture.original = originals[picture.group] == &picture;
  }
}

LabelledSet Named(const Json& manifest, const std::string& folder, const std::string& split) {
  LabelledSet set;
  set.folder = folder;
  set.name = fs::path(folder).filename().string();
  if (!split.empty()) set.name += " (" + split + ")";
  set.title = TextOf(manifest, "title");
  return set;
}

std::vector<LabelledSet> ByGroup(const Json& manifest, const std::string& folder) {
  std::map<std::string, LabelledSet> by_split;
  for (const Json& item : manifest["items"]) {
    if (TextOf(item, "group").empty()) continue;
    const std::string split = TextOf(item, "split");
    LabelledSet& set = by_split.try_emplace(split, Named(manifest, folder, split)).first->second;
    set.pictures.push_back(ToPicture(item));
  }
  std::vector<LabelledSet> sets;
  for (auto& [split, set] : by_split) {
    SettleOriginals(set.pictures);
    sets.push_back(std::move(set));
  }
  return sets;
}

Relation RelationOf(const std::string& name) {
  const bool copies = name.starts_with("near_duplicate") || name == "burst";
  return copies ? Relation::kCopies : Relation::kDifferent;
}

Result<std::vector<LabelledSet>> ByPairs(const Json& manifest, const std::string& folder) {
  LabelledSet set = Named(manifest, folder, "");
  std::map<std::string, std::size_t> index;
  for (const Json& item : manifest["items"]) {
    index.emplace(TextOf(item, "file"), set.pictures.size());
    set.pictures.push_back(ToPicture(item));
  }
  for (const Json& pair : manifest["pairs"]) {
    const auto a = index.find(TextOf(pair, "a"));
    const auto b = index.find(TextOf(pair, "b"));
    if (a == index.end() || b == index.end()) {
      return ConfigError(folder + "/" + kManifestName + ": a pair names a file that no item has");
    }
    set.pairs[std::minmax(a->second, b->second)] = RelationOf(TextOf(pair, "relation"));
  }
  return std::vector<LabelledSet>{std::move(set)};
}

}  // namespace

Relation LabelledSet::Between(std::size_t a, std::size_t b) const {
  if (pairs.empty()) {
    return pictures[a].group == pictures[b].group ? Relation::kCopies : Relation::kDifferent;
  }
  const auto pair = pairs.find(std::minmax(a, b));
  return pair == pairs.end() ? Relation::kUnknown : pair->second;
}

std::string TextOf(const Json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end()) return {};
  if (value->is_string()) return value->get<std::string>();
  return value->is_number() || value->is_boolean() ? value->dump() : std::string();
}

Result<Json> ReadManifestJson(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  const auto text = ReadWholeFile(path);
  if (!text) return ConfigError("cannot read " + path);
  Json json = Json::parse(*text, nullptr, false);
  if (!IsManifest(json)) {
    return ConfigError(path + ": must be an object with \"items\", each with a \"file\"");
  }
  return json;
}

Result<std::vector<LabelledSet>> ReadLabelledSet(const std::string& folder) {
  WINNOW_ASSIGN_OR_RETURN(const Json manifest, ReadManifestJson(folder));
  std::vector<LabelledSet> sets = ByGroup(manifest, folder);
  if (!sets.empty()) return sets;
  if (manifest.contains("pairs") && manifest["pairs"].is_array()) return ByPairs(manifest, folder);
  return sets;
}

Result<std::vector<std::string>> ListSets(const std::string& data) {
  std::error_code error;
  std::string place = data;
  std::vector<std::string> names;
  for (fs::directory_iterator at(data, error), end; !error && at != end;) {
    place = at->path().string();
    if (fs::exists(at->path() / kManifestName, error)) {
      names.push_back(at->path().filename().string());
    }
    if (!error) at.increment(error);
  }
  if (error) return ConfigError("cannot look into " + place + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace winnow::eval
