#include "libs/dataset/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/dataset/report_html.h"

namespace winnow::dataset {
namespace {

std::string MetaRow(std::string_view name, const std::string& html) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, html);
}

std::string Title(const ReportInput& input) {
  const Manifest& manifest = input.manifest;
  std::string meta = MetaRow("Spec", "<code>" + EscapeHtml(manifest.spec_digest) + "</code>");
  for (const ModelUse& model : manifest.models) {
    meta += MetaRow("Model", fmt::format("{} <code>{}</code>", EscapeHtml(model.name),
                                         EscapeHtml(model.digest)));
  }
  return fmt::format(
      "<header class=\"top\">\n<p class=\"eyebrow\">Dataset report</p>\n<h1><bdi>{}</bdi></h1>\n"
      "<p class=\"objective\">{}</p>\n<dl class=\"meta\">\n{}</dl>\n</header>\n",
      EscapeHtml(manifest.collection), EscapeHtml(input.objective), meta);
}

std::string HeadFigure(std::string_view name, std::string_view css, std::uint64_t count,
                       std::uint64_t received) {
  return fmt::format(
      "<div><dt><span class=\"{}\">{}</span><small>{}</small></dt><dd>{}</dd></div>\n",
      css.empty() ? "" : fmt::format("key {}", css), name,
      css.empty() ? "images in all" : Share(Ratio(count, received)), Count(count));
}

std::string Conservation(const DatasetTotals& totals) {
  const std::uint64_t sum = totals.stored + totals.rejected + totals.review + totals.deferred;
  if (sum == totals.received) {
    return fmt::format(
        "<p class=\"balance\">Every image is accounted for: {} received = {} stored + {} rejected "
        "+ {} to review + {} deferred.</p>\n",
        Count(totals.received), Count(totals.stored), Count(totals.rejected),
        Count(totals.review), Count(totals.deferred));
  }
  return fmt::format(
      "<p class=\"balance alarm\">The figures do not add up: {} received, but {} stored, rejected, "
      "to review or deferred.</p>\n",
      Count(totals.received), Count(sum));
}

std::string Headline(const DatasetTotals& totals) {
  std::string html = "<dl class=\"figures\">\n";
  html += HeadFigure("Received", "", totals.received, totals.received);
  html += HeadFigure("Stored", "stored", totals.stored, totals.received);
  html += HeadFigure("Rejected", "rejected", totals.rejected, totals.received);
  html += HeadFigure("To review", "review", totals.review, totals.received);
  html += HeadFigure("Deferred", "deferred", totals.deferred, totals.received);
  return html + "</dl>\n" + OutcomeBar(totals) + Conservation(totals);
}

std::string Stages(const ReportInput& input) {
  if (input.stages.empty()) return {};
  return Section("stages", "Stage by stage",
                 "How many images each stage took in, passed on and left out. All bars share one "
                 "scale.",
                 Funnel(input.stages));
}

std::string_view Verb(record::Disposition disposition) {
  switch (disposition) {
    case record::Disposition::kReview: return "to review";
    case record::Disposition::kDeferred: return "deferred";
    case record::Disposition::kRejected:
    case record::Disposition::kForwarded:
    case record::Disposition::kStored: break;
  }
  return "rejected";
}

// "near_duplicate" as "Near duplicate".
std::string Heading(record::Reason reason) {
  std::string text(record::Name(reason));
  std::replace(text.begin(), text.end(), '_', ' ');
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string ReasonArticle(const ReasonCount& reason, std::uint64_t received) {
  const std::string_view css = record::Name(reason.disposition);
  return fmt::format(
      "<article><div class=\"line\"><h3>{}</h3><span class=\"num\">{} <span class=\"quiet\">{}"
      "</span></span></div><p>{} <span class=\"key {}\">{} by {}</span></p>{}</article>\n",
      Heading(reason.reason), Count(reason.count), Share(Ratio(reason.count, received)),
      EscapeHtml(record::Explain(reason.reason)), css, Verb(reason.disposition),
      EscapeHtml(reason.stage), Gallery(reason.examples));
}

std::string Reasons(const ReportInput& input) {
  std::vector<const ReasonCount*> sorted;
  for (const ReasonCount& reason : input.reasons) {
    if (reason.count > 0) sorted.push_back(&reason);
  }
  if (sorted.empty()) return {};
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->count > b->count; });
  std::string html;
  for (const ReasonCount* reason : sorted) {
    html += ReasonArticle(*reason, input.manifest.totals.received);
  }
  return Section("reasons", "Why images were left out",
                 "Most frequent first. rejected.jsonl names every image with its figures.", html);
}

std::string ClassRow(const std::string& name, std::uint64_t count, std::uint64_t target,
                     std::uint64_t scale) {
  const double filled = std::min(1.0, Ratio(count, scale));
  return fmt::format(
      "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"pair\"><div class=\"track\"><i "
      "class=\"after\" style=\"width:{:.3f}%\"></i>{}</div></td><td class=\"num\">{}</td><td "
      "class=\"num quiet\">{}</td></tr>\n",
      EscapeHtml(name), 100 * filled,
      target == 0 ? ""
                  : fmt::format("<u class=\"target\" style=\"left:{:.3f}%\"></u>",
                                100 * Ratio(target, scale)),
      Count(count), target == 0 ? "–" : Count(target));
}

std::string Classes(const ReportInput& input) {
  std::map<std::string, std::uint64_t> counts = input.manifest.class_counts;
  std::uint64_t scale = 1;
  for (const auto& [name, target] : input.target_counts) {
    counts.try_emplace(name, 0);
    scale = std::max(scale, target);
  }
  for (const auto& [name, count] : counts) scale = std::max(scale, count);
  if (counts.empty()) return {};
  std::string html =
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"axis\"><thead><tr>"
      "<th scope=\"col\">Class</th><th scope=\"col\" class=\"pair\"><span class=\"key after\">"
      "stored</span> <span class=\"key target\">wanted"
      "</span></th><th scope=\"col\" class=\"num\">Stored</th><th scope=\"col\" class=\"num\">"
      "Wanted</th></tr></thead><tbody>\n";
  for (const auto& [name, count] : counts) {
    const auto target = input.target_counts.find(name);
    html += ClassRow(name, count, target == input.target_counts.end() ? 0 : target->second, scale);
  }
  return Section("classes", "Classes",
                 "Stored images that carry at least one label of the class. An image with several "
                 "classes counts in each.",
                 html + "</tbody></table></div>\n");
}

std::string Balance(const ReportInput& input) {
  std::string html;
  for (const AxisBalance& axis : input.axes) html += AxisChart(axis);
  if (html.empty()) return {};
  return Section("balance", "Balance",
                 "Share of each value among the images that reached the balancer and in the "
                 "dataset. The shaded band is the target with its tolerance.",
                 html);
}

std::string Pair(const DuplicatePair& pair) {
  return fmt::format(
      "<div><h3>{}</h3><div class=\"two\">{}{}</div></div>\n",
      pair.exact ? "Same bytes" : fmt::format("{} of 256 bits differ", pair.distance),
      Figure(pair.kept), Figure(pair.dropped));
}

std::string DuplicatesSummary(const ReportInput& input) {
  std::string text;
  if (input.duplicates > 0 || input.superseded == 0) {
    text = fmt::format("{} images were dropped because the same picture had come before. ",
                       Count(input.duplicates));
  }
  if (input.superseded > 0) {
    text += fmt::format("{} images gave way to a better copy that came later. ",
                        Count(input.superseded));
  }
  return text + "Left the one kept, right the one dropped.";
}

std::string Duplicates(const ReportInput& input) {
  if (input.duplicates == 0 && input.superseded == 0 && input.pairs.empty()) return {};
  std::string html = "<div class=\"pairs\">\n";
  for (const DuplicatePair& pair : input.pairs) html += Pair(pair);
  return Section("duplicates", "Duplicates", DuplicatesSummary(input), html + "</div>\n");
}

std::string Measurements(const ReportInput& input) {
  std::string html;
  for (const Histogram& histogram : input.histograms) html += HistogramChart(histogram);
  if (html.empty()) return {};
  return Section("measurements", "Measurements",
                 "Distribution over all images that could be decoded. The line marks the limit of "
                 "the spec.",
                 "<div class=\"plots\">\n" + html + "</div>\n");
}

std::string Tile(std::string_view name, const std::string& value, const std::string& note) {
  return fmt::format("<div><dt>{}<small>{}</small></dt><dd>{}</dd></div>\n", name, note, value);
}

std::string Privacy(const ReportInput& input) {
  const PrivacySummary& privacy = input.privacy;
  if (privacy.images_checked == 0) return {};
  std::string html = "<dl class=\"figures\">\n";
  html += Tile("Images checked", Count(privacy.images_checked), "");
  html += Tile("With regions redacted", Count(privacy.images_with_faces),
               Share(Ratio(privacy.images_with_faces, privacy.images_checked)));
  html += Tile("Regions redacted", Count(privacy.regions_redacted), "");
  html += Tile("Mean area redacted", Share(privacy.mean_area_ratio), "of images with regions");
  html += Tile("Waiting for a person", Count(privacy.in_review), "not in the dataset");
  html += "</dl>\n";
  if (!privacy.metadata_stripped.empty()) {
    html += "<p>Metadata removed, in number of images: ";
    std::string_view separator = "";
    for (const auto& [kind, images] : privacy.metadata_stripped) {
      html += fmt::format("{}{} {}", separator, EscapeHtml(kind), Count(images));
      separator = ", ";
    }
    html += ".</p>\n";
  }
  return Section("privacy", "Privacy",
                 "Detected regions are destroyed in the picture itself, then the result is "
                 "searched again. What still shows a face goes to a person. Detectors miss some "
                 "faces: these figures count what was found.",
                 html);
}

std::string Examples(const ReportInput& input) {
  if (input.stored_examples.empty()) return {};
  return Section("examples", "In the dataset", "Some stored images, as stored.",
                 Gallery(input.stored_examples));
}

std::string ShardRow(const Shard& shard) {
  return fmt::format(
      "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td class=\"num\">{}</td><td "
      "class=\"num\">{}</td><td><code title=\"{}\">{}</code></td></tr>\n",
      EscapeHtml(shard.name), EscapeHtml(shard.split), Count(shard.samples), Bytes(shard.bytes),
      EscapeHtml(shard.sha256), EscapeHtml(shard.sha256.substr(0, 16)));
}

std::string Shards(const ReportInput& input) {
  if (input.manifest.shards.empty()) return {};
  std::string html =
      "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">Shard"
      "</th><th scope=\"col\">Split"
      "</th><th scope=\"col\" class=\"num\">Images</th><th scope=\"col\" class=\"num\">Size</th>"
      "<th scope=\"col\">SHA-256, first 16 digits</th></tr></thead><tbody>\n";
  for (const Shard& shard : input.manifest.shards) html += ShardRow(shard);
  return Section("shards", "Shards", "The files of the dataset. manifest.json has whole digests.",
                 html + "</tbody></table></div>\n");
}

}  // namespace

std::string RenderReport(const ReportInput& input) {
  std::string html = PageHead(input.manifest.collection + " – dataset report") + Title(input);
  html += "<main>\n" + Headline(input.manifest.totals);
  html += Stages(input);
  html += Reasons(input);
  html += Classes(input);
  html += Balance(input);
  html += Duplicates(input);
  html += Measurements(input);
  html += Privacy(input);
  html += Examples(input);
  html += Shards(input);
  return html + "</main>\n" + PageFoot(input.version);
}

}  // namespace winnow::dataset
