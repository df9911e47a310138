#include "libs/dataset/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace winnow::dataset {
namespace {

using Json = nlohmann::json;

Json ToJson(const Shard& shard) {
  return {{"name", shard.name},
          {"split", shard.split},
          {"samples", shard.samples},
          {"bytes", shard.bytes},
          {"sha256", shard.sha256}};
}

Json ToJson(const Manifest& manifest) {
  Json models = Json::array();
  for (const ModelUse& model : manifest.models) {
    models.push_back({{"name", model.name}, {"sha256", model.digest}});
  }
  Json shards = Json::array();
  for (const Shard& shard : manifest.shards) shards.push_back(ToJson(shard));
  const DatasetTotals& totals = manifest.totals;
  return {{"format_version", kManifestVersion},
          {"collection", manifest.collection},
          {"spec_digest", manifest.spec_digest},
          {"models", std::move(models)},
          {"totals",
           {{"received", totals.received},
            {"stored", totals.stored},
            {"rejected", totals.rejected},
            {"review", totals.review},
            {"deferred", totals.deferred}}},
          {"class_counts", manifest.class_counts},
          {"splits", manifest.splits},
          {"shards", std::move(shards)}};
}

Manifest FromJson(const Json& json) {
  Manifest manifest;
  manifest.collection = json.at("collection");
  manifest.spec_digest = json.at("spec_digest");
  for (const Json& model : json.at("models")) {
    manifest.models.push_back({model.at("name"), model.at("sha256")});
  }
  const Json& totals = json.at("totals");
  manifest.totals = {totals.at("received"), totals.at("stored"), totals.at("rejected"),
                     totals.at("review"), totals.at("deferred")};
  manifest.class_counts = json.at("class_counts").get<std::map<std::string, std::uint64_t>>();
  manifest.splits = json.at("splits").get<std::map<std::string, std::uint64_t>>();
  for (const Json& shard : json.at("shards")) {
    manifest.shards.push_back({shard.at("name"), shard.at("split"), shard.at("samples"),
                               shard.at("bytes"), shard.at("sha256")});
  }
  return manifest;
}

Status CheckTotals(const Manifest& manifest) {
  const DatasetTotals& totals = manifest.totals;
  std::uint64_t samples = 0;
  for (const Shard& shard : manifest.shards) samples += shard.samples;
  if (totals.stored + totals.rejected + totals.review + totals.deferred != totals.received) {
    return BugError(fmt::format(
        "{} images received, but {} stored + {} rejected + {} in review + {} deferred",
        totals.received, totals.stored, totals.rejected, totals.review, totals.deferred));
  }
  if (samples != totals.stored) {
    return BugError(
        fmt::format("{} images counted as stored, but {} in shards", totals.stored, samples));
  }
  return {};
}

Result<Manifest> Parse(const std::string& text, const std::string& path) {
  try {
    const Json json = Json::parse(text);
    const int version = json.at("format_version");
    if (version != kManifestVersion) {
      return ConfigError(fmt::format("{} has format version {}; this Winnow reads version {}", path,
                                     version, kManifestVersion));
    }
    return FromJson(json);
  } catch (const Json::exception& error) {
    return CorruptStateError(fmt::format("{} cannot be read: {}", path, error.what()));
  }
}

}  // namespace

Status WriteManifest(const std::string& directory, Manifest manifest, Files& files) {
  WINNOW_RETURN_IF_ERROR(CheckTotals(manifest));
  manifest.splits.clear();
  for (const Shard& shard : manifest.shards) manifest.splits[shard.split] += shard.samples;
  const std::string text =
      ToJson(manifest).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return WriteFileAtomically(files, JoinPath(directory, kManifestName), text);
}

Result<Manifest> ReadManifest(const std::string& directory, Files& files) {
  const std::string path = JoinPath(directory, kManifestName);
  WINNOW_ASSIGN_OR_RETURN(const auto size, files.Size(path));
  if (!size) {
    return ConfigError(fmt::format(
        "{} is not there: {} is not a dataset, or the run that makes it has not ended", path,
        directory));
  }
  std::string text;
  WINNOW_RETURN_IF_ERROR(
      files.Read(path, *size, [&](std::string_view piece) { text.append(piece); }));
  return Parse(text, path);
}

}  // namespace winnow::dataset
