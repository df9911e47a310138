#include "libs/dataset/report_html.h"

#include <fmt/format.h>

#include <array>

#include "libs/base/utf8.h"

namespace winnow::dataset {

std::string EscapeHtml(std::string_view text) {
  const std::string valid = ToUtf8(text);
  std::string escaped;
  escaped.reserve(valid.size());
  for (const char c : valid) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      case '\n':
      case '\t': escaped += c; break;
      default:
        if ((c >= 0 && c < 0x20) || c == 0x7f) {
          escaped += "\xEF\xBF\xBD";
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

std::string Count(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string Decimal(double value) {
  std::string text = fmt::format("{:.3f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string Share(double ratio) {
  const double percent = ratio * 100;
  return percent > 0 && percent < 0.05 ? "&lt;0.1 %" : fmt::format("{:.1f} %", percent);
}

std::string Bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

double Ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string PageHead(std::string_view title, std::string_view css) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'\">\n<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n",
      EscapeHtml(title), kReportStyle, css);
}

std::string PageFoot(std::string_view version) {
  return fmt::format(
      "<footer>Winnow {}. This page loads nothing and runs no script.</footer>\n</body>\n"
      "</html>\n",
      EscapeHtml(version));
}

std::string Section(std::string_view id, std::string_view title, std::string_view intro,
                    std::string_view html) {
  return fmt::format(
      "<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n<p class=\"intro\">{2}</p>\n"
      "{3}</section>\n",
      id, EscapeHtml(title), EscapeHtml(intro), html);
}

std::string Figure(const Thumbnail& thumbnail) {
  const std::string caption = EscapeHtml(thumbnail.caption);
  std::string html = "<figure>";
  if (thumbnail.jpeg.rfind("\xFF\xD8\xFF", 0) == 0) {
    html += fmt::format("<img alt=\"{}\" src=\"data:image/jpeg;base64,{}\">", caption,
                        Base64(thumbnail.jpeg));
  } else {
    html += "<div class=\"blank\">no picture kept</div>";
  }
  // bdi: a name with right-to-left marks must not reorder the text around it.
  html += fmt::format("<figcaption><bdi>{}</bdi>", caption);
  if (!thumbnail.note.empty()) {
    html += fmt::format("<span class=\"note\">{}</span>", EscapeHtml(thumbnail.note));
  }
  return html + "</figcaption></figure>\n";
}

std::string Gallery(const std::vector<Thumbnail>& thumbnails) {
  if (thumbnails.empty()) return {};
  std::string html = "<div class=\"gallery\">\n";
  for (const Thumbnail& thumbnail : thumbnails) html += Figure(thumbnail);
  return html + "</div>\n";
}

}  // namespace winnow::dataset
