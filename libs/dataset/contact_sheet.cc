#include "libs/dataset/contact_sheet.h"

#include <fmt/format.h>

#include "libs/dataset/report_html.h"

namespace winnow::dataset {
namespace {

constexpr std::string_view kStyle = R"css(
main,header.top,footer{max-width:82rem}
.group{display:grid;grid-template-columns:minmax(11rem,17rem) 1fr;gap:1.5rem;padding:1.5rem 0;
border-top:1px solid var(--rule);align-items:start}
.group:first-of-type{border-top:0}
.group>.kept img,.group>.kept .blank{outline:3px solid var(--stored);outline-offset:2px}
.group>.kept{position:sticky;top:1rem}
.dropped{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:1rem .875rem}
.dropped>div{display:grid;grid-template-rows:subgrid;grid-row:span 2;row-gap:.25rem}
.dropped .why{align-self:end;white-space:normal;margin:0;font-size:.8125rem;line-height:1.35;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.dropped figcaption{color:var(--quiet)}
.dropped figure{display:flex;flex-direction:column}
.more{align-self:center;color:var(--quiet);font-size:.875rem}
.look{--c:var(--rejected)}.same{--c:var(--before)}.better{--c:var(--review)}
table.sources .bar{min-width:9rem}
@media(max-width:40rem){.group{grid-template-columns:1fr}.group>.kept{position:static}
.dropped{grid-template-columns:1fr 1fr}}
)css";

std::string_view CssOf(DropKind kind) {
  switch (kind) {
    case DropKind::kSameBytes: return "same";
    case DropKind::kLookAlike: return "look";
    case DropKind::kSuperseded: return "better";
  }
  return {};
}

std::string_view ReasonOf(DropKind kind) {
  switch (kind) {
    case DropKind::kSameBytes: return "same bytes";
    case DropKind::kLookAlike: return "look-alike";
    case DropKind::kSuperseded: return "replaced by a better copy";
  }
  return {};
}

std::string WhyOf(const DroppedImage& dropped) {
  std::string why(ReasonOf(dropped.kind));
  if (dropped.distance) {
    why += fmt::format(", {} {}", *dropped.distance, *dropped.distance == 1 ? "bit" : "bits");
  }
  if (!dropped.turned.empty()) why += ", " + EscapeHtml(dropped.turned);
  if (!dropped.against.empty()) {
    why += fmt::format(" from <bdi>{}</bdi>", EscapeHtml(dropped.against));
  }
  return why;
}

std::string Dropped(const DroppedImage& dropped) {
  return fmt::format("<div><span class=\"why key {}\">{}</span>{}</div>\n", CssOf(dropped.kind),
                     WhyOf(dropped), Figure(dropped.picture));
}

std::string Group(const SheetGroup& group) {
  std::string html =
      "<div class=\"group\"><div class=\"kept\">" + Figure(group.kept) + "</div>" +
      "<div class=\"dropped\">\n";
  for (const DroppedImage& dropped : group.dropped) html += Dropped(dropped);
  if (group.not_shown > 0) {
    html += fmt::format("<div class=\"more\">and {} more</div>\n", Count(group.not_shown));
  }
  return html + "</div></div>\n";
}

std::string Groups(const ContactSheet& sheet) {
  if (sheet.groups.empty()) {
    return Section("groups", "Nothing was dropped", "No image repeated another.", "");
  }
  std::string html;
  for (const SheetGroup& group : sheet.groups) html += Group(group);
  if (sheet.groups_not_shown > 0) {
    html += fmt::format("<p class=\"quiet\">{} smaller groups are not shown.</p>\n",
                        Count(sheet.groups_not_shown));
  }
  return Section("groups", "Kept and dropped",
                 "Left the image that was kept, right those that were dropped in its favour: why, "
                 "how many of the 256 bits of the fingerprint differ, and how long after it or "
                 "before it they were taken.",
                 html);
}

std::string Bar(const SourceFigures& source) {
  return StackedBar({{"stored", source.kept},
                     {"look", source.look_alikes},
                     {"same", source.same_bytes},
                     {"better", source.superseded},
                     {"deferred", source.otherwise}},
                    source.received);
}

std::string SourceRow(const SourceFigures& source) {
  std::string row = fmt::format("<tr><th scope=\"row\"><bdi>{}</bdi></th><td>{}</td>",
                                EscapeHtml(source.source), Bar(source));
  for (const std::uint64_t count : {source.received, source.kept, source.look_alikes,
                                    source.same_bytes, source.superseded, source.otherwise}) {
    row += fmt::format("<td class=\"num\">{}</td>", Count(count));
  }
  return row + "</tr>\n";
}

std::string Sources(const ContactSheet& sheet) {
  std::string html =
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"sources\"><thead><tr>"
      "<th scope=\"col\">Source</th><th scope=\"col\"></th>"
      "<th scope=\"col\" class=\"num\">Images</th>"
      "<th scope=\"col\" class=\"num\"><span class=\"key stored\">Kept</span></th>"
      "<th scope=\"col\" class=\"num\"><span class=\"key look\">Look-alikes</span></th>"
      "<th scope=\"col\" class=\"num\"><span class=\"key same\">Same bytes</span></th>"
      "<th scope=\"col\" class=\"num\"><span class=\"key better\">Replaced</span></th>"
      "<th scope=\"col\" class=\"num\"><span class=\"key deferred\">Other</span></th>"
      "</tr></thead><tbody>\n";
  for (const SourceFigures& source : sheet.sources) html += SourceRow(source);
  return Section("sources", "Source by source",
                 "Kept: in the dataset, or waiting for room in it. Other: refused for another "
                 "reason, or waiting for a person.",
                 html + "</tbody></table></div>\n");
}

}  // namespace

std::string RenderContactSheet(const ContactSheet& sheet) {
  std::string html = PageHead(sheet.collection + " – duplicates", kStyle);
  html += fmt::format(
      "<header class=\"top\">\n<p class=\"eyebrow\">Contact sheet of duplicates</p>\n"
      "<h1><bdi>{}</bdi></h1>\n<p class=\"objective\">{}</p>\n</header>\n<main>\n",
      EscapeHtml(sheet.collection), EscapeHtml(sheet.policy));
  return html + Sources(sheet) + Groups(sheet) + "</main>\n" + PageFoot(sheet.version);
}

}  // namespace winnow::dataset
