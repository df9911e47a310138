#include <fmt/format.h>

#include <algorithm>

#include "libs/eval/report.h"

namespace winnow::eval {
namespace {

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string PercentOrDash(const std::optional<double>& share) {
  return share ? Percent(*share) : "-";
}

std::string OrDash(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "-";
}

std::size_t LowQuality(const SetResult& result, const spec::DedupPolicy& policy) {
  return static_cast<std::size_t>(std::count_if(
      result.fingerprints.begin(), result.fingerprints.end(), [&](const auto& fingerprint) {
        return fingerprint && fingerprint->quality < policy.min_quality;
      }));
}

constexpr char kSetColumns[] =
    "{:<26}{:>7}{:>7}{:>5}{:>9}{:>9}{:>8}{:>10}{:>8}{:>8}{:>7}\n";

std::string SetLine(const SetResult& result, const spec::DedupPolicy& policy) {
  const int threshold = static_cast<int>(policy.max_distance);
  const Scores& scores = result.matched.scores;
  const StreamScores& stream = result.stream;
  return fmt::format(kSetColumns, result.set.name + (result.views ? " *" : ""),
                     result.set.pictures.size(),
                     stream.unread, LowQuality(result, policy), scores.copies.pairs(),
                     Percent(scores.Recall(threshold)), scores.different.Within(threshold),
                     PercentOrDash(scores.Precision(threshold)), stream.dropped_right,
                     stream.dropped_wrong, stream.missed);
}

std::string TransformLine(const TransformScores& transform, int threshold) {
  const Distances& copies = transform.scores.copies;
  return fmt::format("  {:<25} {:<16}{:>6}{:>9}{:>8}{:>9}{:>7}\n", transform.transform,
                     transform.strength, copies.pairs(), Percent(copies.ShareWithin(threshold)),
                     OrDash(copies.Median()), OrDash(copies.Largest()),
                     transform.scores.different.Within(threshold));
}

std::string TransformTable(const SetResult& result, int threshold) {
  if (result.transforms.empty()) return {};
  std::string text = fmt::format("\n{}\n  {:<25} {:<16}{:>6}{:>9}{:>8}{:>9}{:>7}\n",
                                 result.set.name, "transform", "strength", "copies", "recall",
                                 "median", "largest", "wrong");
  for (const TransformScores& transform : result.transforms) {
    text += TransformLine(transform, threshold);
  }
  return text;
}

std::string Heading(const spec::DedupPolicy& policy) {
  const std::string_view turns = policy.mirrored && policy.rotated ? "mirrored and rotated, too"
                                 : policy.mirrored                 ? "mirrored, too"
                                 : policy.rotated                  ? "rotated, too"
                                                                   : "upright only";
  return fmt::format("Pictures within {} of 256 bits are copies; quality from {}; {}\n\n",
                     policy.max_distance, policy.min_quality, turns);
}

}  // namespace

std::string RenderText(const DuplicatesReport& report) {
  std::string text = Heading(report.policy);
  text += fmt::format(kSetColumns, "", "", "", "low", "pairs of", "", "wrong", "", "dropped", "",
                      "");
  text += fmt::format(kSetColumns, "set", "images", "unread", "q.", "copies", "recall", "pairs",
                      "precision", "rightly", "wrongly", "missed");
  bool views = false;
  for (const SetResult& result : report.sets) {
    text += SetLine(result, report.policy);
    views = views || result.views;
  }
  if (views) {
    text += "* views of one thing from several places: not copies, and no perceptual hash finds "
            "them\n";
  }
  const int threshold = static_cast<int>(report.policy.max_distance);
  for (const SetResult& result : report.sets) text += TransformTable(result, threshold);
  return text;
}

}  // namespace winnow::eval
