// The small parts that reports are made of: the dataset's, and the pages of other rooms that are to
// look like it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/dataset/report.h"

namespace winnow::dataset {

// Safe in element content and in double-quoted attributes; valid UTF-8; control characters other
// than line ends and tabs become U+FFFD.
std::string EscapeHtml(std::string_view text);

std::string Base64(std::string_view bytes);

std::string Count(std::uint64_t value);    // "1,204"
std::string Share(double ratio);           // "12.5 %"
std::string Bytes(std::uint64_t bytes);    // "3.4 MB", powers of 1000
std::string Decimal(double value);         // at most three decimals, no trailing zeros
double Ratio(std::uint64_t part, std::uint64_t whole);  // 0 for an empty whole

// Everything before and after the content of a page: it loads nothing and runs no script. `css`
// adds to the common style.
std::string PageHead(std::string_view title, std::string_view css = {});
std::string PageFoot(std::string_view version);

// "<section>" with heading and an introductory sentence (escaped here), around ready HTML.
std::string Section(std::string_view id, std::string_view title, std::string_view intro,
                    std::string_view html);

// A picture with caption, or a frame in its place.
std::string Figure(const Thumbnail& thumbnail);
std::string Gallery(const std::vector<Thumbnail>& thumbnails);

// Charts, as HTML with inline SVG or CSS bars.
struct BarPart {
  std::string_view css;  // class
  std::uint64_t count = 0;
};
// One horizontal bar of parts; `whole` is its full width. Read out as `label` (ready HTML); without
// one passed over, where the figures stand beside it.
std::string StackedBar(const std::vector<BarPart>& parts, std::uint64_t whole,
                       std::string_view label = {});
std::string OutcomeBar(const DatasetTotals& totals);
std::string Funnel(const std::vector<StageCount>& stages);
std::string AxisChart(const AxisBalance& axis);
std::string HistogramChart(const Histogram& histogram);

extern const std::string_view kReportStyle;

}  // namespace winnow::dataset
