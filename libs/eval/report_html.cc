#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "libs/dataset/report_html.h"
#include "libs/eval/report.h"

namespace winnow::eval {
namespace {

using dataset::Count;
using dataset::EscapeHtml;

// Beyond the shipped threshold a curve shows what a larger one would cost.
constexpr int kCurveBits = 64;
constexpr double kWidth = 300;
constexpr double kHeight = 96;

constexpr std::string_view kStyle = R"css(
.curve{fill:none;stroke-width:2}.curve.recall{stroke:var(--stored)}
.curve.precision{stroke:var(--rejected);stroke-dasharray:4 3}
.recall{--c:var(--stored)}.precision{--c:var(--rejected)}
table.sets td,table.sets th{padding-right:.75rem}table.sets thead th{white-space:normal}
table.sets tbody th{min-width:9rem}table.sets small{display:block;color:var(--quiet)}
.axis .pair{width:38%}
)css";

// Percent that never rounds to all or nothing what is not.
std::string Percent(double share) {
  if (share > 0.999 && share < 1) return "&gt;99.9 %";
  if (share > 0 && share < 0.001) return "&lt;0.1 %";
  return fmt::format("{:.1f} %", 100 * share);
}

std::string PercentOrDash(const std::optional<double>& share) {
  return share ? Percent(*share) : "–";
}

std::string OrDash(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "–";
}

std::string_view TurnsIn(const spec::DedupPolicy& policy) {
  if (policy.mirrored && policy.rotated) return "upright, mirrored and rotated";
  if (policy.mirrored) return "upright and mirrored";
  return policy.rotated ? "upright and rotated" : "upright only";
}

std::string Title(const DuplicatesReport& report) {
  return fmt::format(
      "<header class=\"top\">\n<p class=\"eyebrow\">Evaluation</p>\n<h1>Duplicates</h1>\n"
      "<p class=\"objective\">How many of the copies in labelled pictures are found, and how many "
      "other pictures are taken for copies, at the thresholds of the spec.</p>\n"
      "<dl class=\"meta\"><dt>Copies are</dt><dd>pictures within {} of 256 bits</dd>"
      "<dt>Compared from</dt><dd>fingerprint quality {}; below, a picture is never dropped and "
      "counts as not found</dd><dt>Compared as</dt><dd>{}</dd></dl>\n</header>\n",
      report.policy.max_distance, report.policy.min_quality, TurnsIn(report.policy));
}

std::string Cell(const std::string& html) {
  return fmt::format("<td class=\"num\">{}</td>", html);
}

std::string SetRow(const SetResult& result, const spec::DedupPolicy& policy) {
  const int threshold = static_cast<int>(policy.max_distance);
  const Scores& scores = result.matched.scores;
  const StreamScores& stream = result.stream;
  const std::string missed_for_quality =
      scores.copies.not_compared() == 0
          ? ""
          : fmt::format("<small>{} not compared</small>", Count(scores.copies.not_compared()));
  return fmt::format("<tr><th scope=\"row\"><bdi>{}</bdi><small>{}</small></th>",
                     EscapeHtml(result.set.name), EscapeHtml(result.set.title)) +
         Cell(Count(result.set.pictures.size()) +
              (stream.unread == 0 ? "" : fmt::format("<small>{} unread</small>", stream.unread))) +
         Cell(Count(scores.copies.pairs()) + missed_for_quality) +
         Cell(Percent(scores.Recall(threshold))) + Cell(Count(scores.different.pairs())) +
         Cell(Count(scores.different.Within(threshold))) +
         Cell(PercentOrDash(scores.Precision(threshold))) + Cell(Count(stream.dropped_right)) +
         Cell(Count(stream.dropped_wrong)) + Cell(Count(stream.missed)) + "</tr>\n";
}

std::string SetTable(const DuplicatesReport& report,
                     const std::function<bool(const SetResult&)>& in) {
  std::string rows;
  for (const SetResult& result : report.sets) {
    if (in(result)) rows += SetRow(result, report.policy);
  }
  if (rows.empty()) return {};
  return "<div class=\"scroll\" tabindex=\"0\"><table class=\"sets\"><thead><tr>"
         "<th scope=\"col\">Set</th><th scope=\"col\" class=\"num\">Pictures</th>"
         "<th scope=\"col\" class=\"num\">Pairs of copies</th>"
         "<th scope=\"col\" class=\"num\">Recall</th>"
         "<th scope=\"col\" class=\"num\">Other pairs</th>"
         "<th scope=\"col\" class=\"num\">Taken for copies</th>"
         "<th scope=\"col\" class=\"num\">Precision</th>"
         "<th scope=\"col\" class=\"num\">Dropped rightly</th>"
         "<th scope=\"col\" class=\"num\">Wrongly</th><th scope=\"col\" class=\"num\">Missed</th>"
         "</tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string Sets(const DuplicatesReport& report) {
  const std::string table = SetTable(report, [](const SetResult& r) { return !r.views; });
  if (table.empty()) return {};
  return dataset::Section(
      "sets", "Set by set",
      "Left, every labelled pair by the distance of its fingerprints. Right, what the deduper did "
      "with the set as a stream, first come first kept: missed are pictures it kept although it "
      "had kept a copy of them.",
      table);
}

std::string Views(const DuplicatesReport& report) {
  const std::string table = SetTable(report, [](const SetResult& r) { return r.views; });
  if (table.empty()) return {};
  return dataset::Section(
      "views", "What a perceptual hash cannot find",
      "The same thing seen from another place is another picture: other pixels in other places. "
      "No threshold finds such pairs without taking strangers for copies, and none is claimed to. "
      "These sets group views of one thing.",
      table);
}

std::string Points(const std::function<double(int)>& value) {
  std::string points;
  for (int distance = 0; distance <= kCurveBits; ++distance) {
    points += fmt::format("{}{:.1f},{:.1f}", distance == 0 ? "" : " ",
                          kWidth * distance / kCurveBits, kHeight * (1 - value(distance)));
  }
  return points;
}

std::string Curve(const SetResult& result, int threshold) {
  const Scores& scores = result.matched.scores;
  const double limit = kWidth * threshold / kCurveBits;
  return fmt::format(
      "<figure class=\"plot\"><figcaption><b>{0}</b></figcaption><svg viewBox=\"0 -16 {1} {2}\" "
      "role=\"img\" aria-label=\"Recall and precision of {0} by distance; at the threshold recall "
      "{3:.3f}, precision {4:.3f}\"><line class=\"base\" x1=\"0\" x2=\"{1}\" y1=\"{5}\" y2=\"{5}\"/>"
      "<line class=\"limit\" x1=\"{6:.1f}\" x2=\"{6:.1f}\" y1=\"-14\" y2=\"{5}\"/>"
      "<text class=\"limit\" x=\"{7:.1f}\" y=\"-6\">{8} bits</text>"
      "<polyline class=\"curve precision\" points=\"{9}\"/>"
      "<polyline class=\"curve recall\" points=\"{10}\"/>"
      "<text x=\"0\" y=\"{11}\">0</text><text x=\"{1}\" y=\"{11}\" text-anchor=\"end\">{12} bits"
      "</text></svg></figure>\n",
      EscapeHtml(result.set.name), kWidth, kHeight + 36, scores.Recall(threshold),
      scores.Precision(threshold).value_or(1), kHeight, limit, limit + 5, threshold,
      Points([&](int distance) { return scores.Precision(distance).value_or(1); }),
      Points([&](int distance) { return scores.Recall(distance); }), kHeight + 15, kCurveBits);
}

std::string Curves(const DuplicatesReport& report) {
  std::string plots;
  for (const SetResult& result : report.sets) {
    plots += Curve(result, static_cast<int>(report.policy.max_distance));
  }
  return dataset::Section(
      "curves", "Recall by distance",
      "What each threshold would find, 0 to 100 % upwards, and how much of it rightly. The line "
      "marks the threshold of the spec.",
      "<p><span class=\"key recall\">recall</span><span class=\"key precision\">precision</span></p>"
      "<div class=\"plots\">\n" + plots + "</div>\n");
}

std::string TransformRow(const TransformScores& transform, int threshold) {
  const Distances& copies = transform.scores.copies;
  return fmt::format(
      "<tr><th scope=\"row\">{} <span class=\"quiet\">{}</span></th><td class=\"pair\"><div "
      "class=\"track\"><i class=\"after\" style=\"width:{:.3f}%\"></i></div></td>",
      EscapeHtml(transform.transform), EscapeHtml(transform.strength),
      100 * copies.ShareWithin(threshold)) +
         Cell(Percent(copies.ShareWithin(threshold))) + Cell(Count(copies.pairs())) +
         Cell(OrDash(copies.Median())) + Cell(OrDash(copies.Largest())) +
         Cell(Count(transform.scores.different.Within(threshold))) + "</tr>\n";
}

std::string TransformTable(const SetResult& result, int threshold) {
  if (result.transforms.empty()) return {};
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"axis\"><caption><bdi>{}</bdi></caption>"
      "<thead><tr><th scope=\"col\">What was done</th><th scope=\"col\" class=\"pair\">Found</th>"
      "<th scope=\"col\" class=\"num\">Recall</th><th scope=\"col\" class=\"num\">Copies</th>"
      "<th scope=\"col\" class=\"num\">Median bits</th><th scope=\"col\" class=\"num\">Most</th>"
      "<th scope=\"col\" class=\"num\">Wrong</th></tr></thead><tbody>\n",
      EscapeHtml(result.set.name));
  for (const TransformScores& transform : result.transforms) {
    html += TransformRow(transform, threshold);
  }
  return html + "</tbody></table></div>\n";
}

std::string Transforms(const DuplicatesReport& report) {
  std::string tables;
  for (const SetResult& result : report.sets) {
    tables += TransformTable(result, static_cast<int>(report.policy.max_distance));
  }
  if (tables.empty()) return {};
  return dataset::Section(
      "transforms", "By what was done to the picture",
      "Each original against its own copies. Wrong: copies of other originals within the "
      "threshold.",
      tables);
}

std::string Pairs(std::string_view id, std::string_view title, std::string_view intro,
                  const std::vector<ShownPair>& pairs) {
  if (pairs.empty()) return {};
  std::string html = "<div class=\"pairs\">\n";
  for (const ShownPair& pair : pairs) {
    html += fmt::format(
        "<div><h3>{} bits <span class=\"quiet\">{}</span></h3><div class=\"two\">{}{}</div></div>\n",
        pair.distance, EscapeHtml(pair.set), dataset::Figure(pair.a), dataset::Figure(pair.b));
  }
  return dataset::Section(id, title, intro, html + "</div>\n");
}

}  // namespace

std::string RenderHtml(const DuplicatesReport& report) {
  std::string html = dataset::PageHead("Duplicates – evaluation", kStyle) + Title(report);
  html += "<main>\n" + Sets(report) + Views(report) + Curves(report) + Transforms(report);
  html += Pairs("wrong", "Taken for copies",
                "Pictures labelled as different within the threshold, nearest first. Look at them "
                "before you believe the label.",
                report.wrong);
  html += Pairs("missed", "Not found", "Copies beyond the threshold, farthest first.",
                report.missed);
  return html + "</main>\n" + dataset::PageFoot(report.version);
}

}  // namespace winnow::eval
