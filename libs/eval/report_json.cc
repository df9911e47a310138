#include <nlohmann/json.hpp>

#include "libs/eval/report.h"
#include "libs/image/fingerprint.h"

namespace winnow::eval {
namespace {

using Json = nlohmann::json;

constexpr int kFormatVersion = 1;

template <class T>
Json ToJson(const std::optional<T>& value) { return value ? Json(*value) : Json(); }

Json ToJson(const Distances& distances) {
  Json within = Json::array();
  for (int distance = 0; distance <= kBits; ++distance) within.push_back(distances.Within(distance));
  return {{"pairs", distances.pairs()},
          {"not_compared", distances.not_compared()},
          {"median", ToJson(distances.Median())},
          {"largest", ToJson(distances.Largest())},
          {"within", std::move(within)}};
}

Json ToJson(const Scores& scores, int threshold) {
  return {{"recall", scores.Recall(threshold)},
          {"precision", ToJson(scores.Precision(threshold))},
          {"found", scores.copies.Within(threshold)},
          {"wrong", scores.different.Within(threshold)},
          {"copies", ToJson(scores.copies)},
          {"different", ToJson(scores.different)}};
}

Json ToJson(const StreamScores& stream) {
  return {{"received", stream.received},
          {"unread", stream.unread},
          {"kept", stream.kept},
          {"dropped_right", stream.dropped_right},
          {"dropped_wrong", stream.dropped_wrong},
          {"dropped_unlabelled", stream.dropped_unlabelled},
          {"missed", stream.missed}};
}

Json Pictures(const SetResult& result) {
  Json pictures = Json::array();
  for (std::size_t i = 0; i < result.set.pictures.size(); ++i) {
    const LabelledPicture& picture = result.set.pictures[i];
    Json entry = {{"file", picture.file},
                  {"group", picture.group},
                  {"transform", picture.transform},
                  {"strength", picture.strength},
                  {"original", picture.original}};
    if (result.fingerprints[i]) {
      entry["pdq"] = image::ToHex(*result.fingerprints[i]);
      entry["quality"] = result.fingerprints[i]->quality;
    }
    pictures.push_back(std::move(entry));
  }
  return pictures;
}

Json LabelledPairs(const LabelledSet& set) {
  Json pairs = Json::array();
  for (const auto& [pair, relation] : set.pairs) {
    pairs.push_back({{"a", set.pictures[pair.first].file},
                     {"b", set.pictures[pair.second].file},
                     {"copies", relation == Relation::kCopies}});
  }
  return pairs;
}

Json ToJson(const SetResult& result, int threshold) {
  Json transforms = Json::array();
  for (const TransformScores& transform : result.transforms) {
    transforms.push_back({{"transform", transform.transform},
                          {"strength", transform.strength},
                          {"scores", ToJson(transform.scores, threshold)}});
  }
  return {{"name", result.set.name},
          {"title", result.set.title},
          {"folder", result.set.folder},
          {"views", result.views},
          {"scores", ToJson(result.matched.scores, threshold)},
          {"transforms", std::move(transforms)},
          {"stream", ToJson(result.stream)},
          {"pairs", LabelledPairs(result.set)},
          {"pictures", Pictures(result)}};
}

}  // namespace

std::string RenderJson(const DuplicatesReport& report) {
  const spec::DedupPolicy& policy = report.policy;
  const int threshold = static_cast<int>(policy.max_distance);
  Json sets = Json::array();
  for (const SetResult& result : report.sets) sets.push_back(ToJson(result, threshold));
  const Json json = {{"format_version", kFormatVersion},
                     {"winnow", report.version},
                     {"policy",
                      {{"max_distance", policy.max_distance},
                       {"min_quality", policy.min_quality},
                       {"mirrored", policy.mirrored},
                       {"rotated", policy.rotated}}},
                     {"sets", std::move(sets)}};
  // File names may hold anything.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace winnow::eval
