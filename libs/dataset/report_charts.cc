#include <fmt/format.h>

#include <algorithm>

#include "libs/dataset/report_html.h"

namespace winnow::dataset {
namespace {

std::string Losses(const StageCount& stage) {
  std::string text;
  const auto add = [&](std::uint64_t count, std::string_view css, std::string_view what) {
    if (count == 0) return;
    text += fmt::format("<span class=\"key {}\">{} {}</span> ", css, Count(count), what);
  };
  add(stage.rejected, "rejected", "rejected");
  add(stage.review, "review", "to review");
  add(stage.deferred, "deferred", "deferred");
  return text.empty() ? "<span class=\"quiet\">nothing left out</span>" : text;
}

std::string FunnelRow(const StageCount& stage, std::uint64_t whole) {
  const std::vector<BarPart> parts = {{"stored", stage.forwarded},
                                      {"rejected", stage.rejected},
                                      {"review", stage.review},
                                      {"deferred", stage.deferred}};
  const std::string label =
      fmt::format("{}: {} in, {} passed on", EscapeHtml(stage.stage), Count(stage.received),
                  Count(stage.forwarded));
  return fmt::format(
      "<li><div class=\"line\"><b>{}</b><span class=\"num\">{} <span class=\"quiet\">of "
      "{}</span></span></div>{}<div class=\"keys\">{}</div></li>\n",
      EscapeHtml(stage.stage), Count(stage.forwarded), Count(stage.received),
      StackedBar(parts, whole, label), Losses(stage));
}

// A share as a bar on a scale of 0 to `scale`.
std::string ShareBar(std::string_view css, double share, double scale) {
  return fmt::format("<i class=\"{}\" style=\"width:{:.3f}%\"></i>", css,
                     100 * std::clamp(share / scale, 0.0, 1.0));
}

std::string TargetMark(const AxisValue& value, double tolerance, double scale) {
  if (value.target < 0) return {};
  const double low = std::clamp((value.target - tolerance) / scale, 0.0, 1.0);
  const double high = std::clamp((value.target + tolerance) / scale, 0.0, 1.0);
  const double at = std::clamp(value.target / scale, 0.0, 1.0);
  return fmt::format(
      "<u class=\"band\" style=\"left:{:.3f}%;width:{:.3f}%\"></u><u class=\"target\" "
      "style=\"left:{:.3f}%\"></u>",
      100 * low, 100 * (high - low), 100 * at);
}

std::uint64_t TotalOf(const AxisBalance& axis, std::uint64_t AxisValue::*field) {
  std::uint64_t total = 0;
  for (const AxisValue& value : axis.values) total += value.*field;
  return total;
}

double ScaleOf(const AxisBalance& axis, std::uint64_t before, std::uint64_t after) {
  double scale = 0.01;
  for (const AxisValue& value : axis.values) {
    scale = std::max({scale, Ratio(value.before, before), Ratio(value.after, after),
                      value.target < 0 ? 0 : value.target + axis.tolerance});
  }
  return std::min(scale, 1.0);
}

std::string AxisRow(const AxisValue& value, double tolerance, double before, double after,
                    double scale) {
  return fmt::format(
      "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"pair\"><div class=\"track\">{}{}{}</div>"
      "</td><td class=\"num\">{}<span class=\"quiet\"> {}</span></td><td class=\"num\">{}<span "
      "class=\"quiet\"> {}</span></td><td class=\"num quiet\">{}</td></tr>\n",
      EscapeHtml(value.value), ShareBar("before", before, scale), ShareBar("after", after, scale),
      TargetMark(value, tolerance, scale), Share(before), Count(value.before), Share(after),
      Count(value.after), value.target < 0 ? "–" : Share(value.target));
}

constexpr double kPlotWidth = 300;
constexpr double kPlotHeight = 96;

std::string HistogramBars(const Histogram& histogram) {
  const std::uint64_t peak =
      std::max<std::uint64_t>(1, *std::max_element(histogram.counts.begin(),
                                                   histogram.counts.end()));
  const double width = kPlotWidth / static_cast<double>(histogram.counts.size());
  std::string svg;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    if (histogram.counts[i] == 0) continue;
    const double height = std::max(1.0, kPlotHeight * Ratio(histogram.counts[i], peak));
    svg += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>",
                       static_cast<double>(i) * width + 0.5, kPlotHeight - height,
                       std::max(0.5, width - 1), height);
  }
  return svg;
}

std::string ThresholdLine(const Histogram& histogram) {
  const double span = histogram.upper - histogram.lower;
  if (!histogram.has_threshold || span <= 0) return {};
  const double x =
      kPlotWidth * std::clamp((histogram.threshold - histogram.lower) / span, 0.0, 1.0);
  const bool flip = x > kPlotWidth * 0.6;
  return fmt::format(
      "<line class=\"limit\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"-14\" y2=\"{1}\"/><text "
      "class=\"limit\" x=\"{2:.2f}\" y=\"-4\" text-anchor=\"{3}\">{4}</text>",
      x, kPlotHeight, flip ? x - 5 : x + 5, flip ? "end" : "start",
      EscapeHtml(histogram.threshold_label));
}

}  // namespace

std::string StackedBar(const std::vector<BarPart>& parts, std::uint64_t whole,
                       std::string_view label) {
  std::string html = "<div class=\"bar\" aria-hidden=\"true\">";
  if (!label.empty()) {
    html = fmt::format("<div class=\"bar\" role=\"img\" aria-label=\"{}\">", label);
  }
  for (const BarPart& part : parts) {
    if (part.count == 0) continue;
    html += fmt::format("<i class=\"{}\" style=\"width:{:.3f}%\"></i>", part.css,
                        100 * Ratio(part.count, whole));
  }
  return html + "</div>";
}

std::string OutcomeBar(const DatasetTotals& totals) {
  const std::string label =
      fmt::format("{} stored, {} rejected, {} to review, {} deferred", Count(totals.stored),
                  Count(totals.rejected), Count(totals.review), Count(totals.deferred));
  return StackedBar({{"stored", totals.stored},
                     {"rejected", totals.rejected},
                     {"review", totals.review},
                     {"deferred", totals.deferred}},
                    totals.received, label);
}

std::string Funnel(const std::vector<StageCount>& stages) {
  const std::uint64_t whole = stages.empty() ? 0 : stages.front().received;
  std::string html = "<ol class=\"funnel\">\n";
  for (const StageCount& stage : stages) html += FunnelRow(stage, whole);
  return html + "</ol>\n";
}

std::string AxisChart(const AxisBalance& axis) {
  const std::uint64_t before = TotalOf(axis, &AxisValue::before);
  const std::uint64_t after = TotalOf(axis, &AxisValue::after);
  const double scale = ScaleOf(axis, before, after);
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"axis\"><caption><bdi>{}</bdi> "
      "<span class=\"quiet\">tolerance ± {}</span></caption><thead><tr><th scope=\"col\">Value</th>"
      "<th scope=\"col\" class=\"pair\">"
      "<span class=\"key before\">before</span> <span class=\"key after\">after</span> <span "
      "class=\"key target\">target</span></th><th scope=\"col\" class=\"num\">Before</th><th "
      "scope=\"col\" class=\"num\">After</th><th scope=\"col\" class=\"num\">Target</th></tr>"
      "</thead><tbody>\n",
      EscapeHtml(axis.axis), Share(axis.tolerance));
  for (const AxisValue& value : axis.values) {
    html += AxisRow(value, axis.tolerance, Ratio(value.before, before), Ratio(value.after, after),
                    scale);
  }
  return html + "</tbody></table></div>\n";
}

std::string HistogramChart(const Histogram& histogram) {
  if (histogram.counts.empty()) return {};
  return fmt::format(
      "<figure class=\"plot\"><figcaption><b>{0}</b> <span class=\"quiet\">{1}</span></figcaption>"
      "<svg viewBox=\"0 -16 {2} {3}\" role=\"img\" aria-label=\"Histogram of {0}, {1}\">{4}<line "
      "class=\"base\" x1=\"0\" x2=\"{2}\" y1=\"{5}\" y2=\"{5}\"/>{6}<text x=\"0\" y=\"{7}\">{8}"
      "</text><text x=\"{2}\" y=\"{7}\" text-anchor=\"end\">{9}</text></svg></figure>\n",
      EscapeHtml(histogram.title), EscapeHtml(histogram.unit), kPlotWidth, kPlotHeight + 36,
      HistogramBars(histogram), kPlotHeight, ThresholdLine(histogram), kPlotHeight + 15,
      Decimal(histogram.lower), Decimal(histogram.upper));
}

}  // namespace winnow::dataset
