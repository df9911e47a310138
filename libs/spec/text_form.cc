#include "libs/spec/text_form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

#include "libs/spec/nearest.h"
#include "libs/spec/utf8.h"

namespace winnow::spec {
namespace {

constexpr std::size_t kLongestName = 64;         // leaves room in a 255-byte file name
constexpr std::size_t kLongestText = 256;
constexpr std::size_t kLongestParagraph = 10'000;
constexpr std::size_t kMostWordsShown = 12;

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsFileNameLetter(char c) { return IsLetterOrDigit(c) || c == '.' || c == '_' || c == '-'; }

// The valid name closest to the text.
std::string ToFileName(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kLongestName)) {
    if (IsFileNameLetter(c)) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && !IsLetterOrDigit(name.front())) name.erase(0, 1);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "my-dataset" : name;
}

std::optional<std::string> FileNameFault(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= kLongestName && IsLetterOrDigit(text.front()) &&
                    std::all_of(text.begin(), text.end(), IsFileNameLetter);
  if (fits) return std::nullopt;
  return fmt::format("becomes part of file names (a-z A-Z 0-9 . _ -, at most {}, first a letter or "
                     "digit): write {}", kLongestName, ToFileName(text));
}

bool IsAllowedInParagraph(char c) { return c == '\n' || c == '\t'; }

}  // namespace

std::optional<std::string> TextFault(std::string_view text, Form form) {
  if (form == Form::kFileName) return FileNameFault(text);
  const bool paragraph = form == Form::kParagraph;
  if (text.empty()) {
    if (paragraph) return std::nullopt;
    return "is empty: write a name or remove it";
  }
  const std::size_t longest = paragraph ? kLongestParagraph : kLongestText;
  if (text.size() > longest) {
    return fmt::format("has {} bytes: write at most {}", text.size(), longest);
  }
  std::string checked(text);
  if (paragraph) std::erase_if(checked, IsAllowedInParagraph);
  if (HasControlCharacter(checked)) return "has a control character: write printable text";
  return std::nullopt;
}

std::string OneOf(std::string_view written, const std::vector<std::string>& words) {
  const auto nearest = Nearest(written, words);
  if (nearest) return "write " + *nearest;
  const auto shown = static_cast<std::ptrdiff_t>(std::min(words.size(), kMostWordsShown));
  return fmt::format("write one of {}{}", fmt::join(words.begin(), words.begin() + shown, ", "),
                     words.size() > kMostWordsShown ? " ..." : "");
}

}  // namespace winnow::spec
