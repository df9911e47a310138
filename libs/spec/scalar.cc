#include "libs/spec/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>
#include <utility>

namespace winnow::spec {
namespace {

constexpr double kLargestWhole = 9e15;  // below 2^53: exact as a double

struct Suffix {
  std::string_view name;
  double factor;
};

constexpr std::array kByteSuffixes = {
    Suffix{"B", 1},           Suffix{"kB", 1e3},        Suffix{"MB", 1e6},
    Suffix{"GB", 1e9},        Suffix{"TB", 1e12},       Suffix{"KiB", 1024.0},
    Suffix{"MiB", 1048576.0}, Suffix{"GiB", 1073741824.0}, Suffix{"TiB", 1099511627776.0}};

constexpr std::array kTimeSuffixes = {Suffix{"s", 1}, Suffix{"ms", 1e-3}, Suffix{"min", 60},
                                      Suffix{"h", 3600}, Suffix{"d", 86400}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

tl::unexpected<std::string> Wrong(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

// Without the underscores that stand between two digits; other underscores stay and fail later.
std::string WithoutSeparators(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separates = text[i] == '_' && i > 0 && i + 1 < text.size() &&
                           IsDigit(text[i - 1]) && IsDigit(text[i + 1]);
    if (!separates) digits += text[i];
  }
  return digits;
}

std::optional<double> ToNumber(std::string_view text) {
  // from_chars also takes "inf" and "nan", which no threshold can be.
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value + 0.0;  // -0 becomes 0: they mean the same
}

struct Quantity {
  double number;
  std::string suffix;  // may be empty
};

std::optional<Quantity> Split(std::string_view text) {
  const std::size_t last_digit = text.find_last_of("0123456789.");
  if (last_digit == std::string_view::npos) return std::nullopt;
  const auto number = ToNumber(WithoutSeparators(text.substr(0, last_digit + 1)));
  if (!number) return std::nullopt;
  std::string_view suffix = text.substr(last_digit + 1);
  suffix.remove_prefix(std::min(suffix.find_first_not_of(' '), suffix.size()));
  return Quantity{*number, std::string(suffix)};
}

template <std::size_t kCount>
const Suffix* FindSuffix(const std::array<Suffix, kCount>& suffixes, std::string_view name) {
  const auto found = std::find_if(suffixes.begin(), suffixes.end(),
                                  [name](const Suffix& suffix) { return suffix.name == name; });
  return found == suffixes.end() ? nullptr : &*found;
}

std::string WrongByteSuffix(const Quantity& quantity) {
  const std::string number = FormatNumber(quantity.number);
  for (const Suffix& suffix : kByteSuffixes) {
    if (Lower(suffix.name) == Lower(quantity.suffix)) {
      return fmt::format("has an unknown unit: write {}{}", number, suffix.name);
    }
  }
  const std::string prefix = Lower(quantity.suffix);
  if (prefix.size() == 1 && std::string_view("kmgt").find(prefix[0]) != std::string_view::npos) {
    const char capital = static_cast<char>(prefix[0] - 'a' + 'A');
    return fmt::format("could mean powers of 1024 or of 1000: write {0}{1}iB or {0}{2}B", number,
                       capital, capital == 'K' ? 'k' : capital);
  }
  return fmt::format("has an unknown unit: write B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in "
                     "{}MiB", number);
}

}  // namespace

Parsed<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const std::string lower = Lower(text);
  for (const auto& [word, meaning] : {std::pair{"yes", "true"}, {"on", "true"}, {"1", "true"},
                                      {"no", "false"}, {"off", "false"}, {"0", "false"}}) {
    if (lower == word) return Wrong(fmt::format("is not true or false: write {}", meaning));
  }
  return Wrong("is not true or false");
}

Parsed<std::int64_t> ParseWhole(std::string_view text) {
  const auto number = ToNumber(WithoutSeparators(text));
  if (!number) return Wrong("is not a whole number");
  if (std::abs(*number) > kLargestWhole) return Wrong("is too large for any setting");
  if (*number != std::floor(*number)) {
    return Wrong(fmt::format("is not a whole number: write {:.0f}", std::round(*number)));
  }
  return static_cast<std::int64_t>(*number);
}

Parsed<double> ParseNumber(std::string_view text) {
  const auto number = ToNumber(WithoutSeparators(text));
  if (number) return *number;
  if (!text.empty() && text.back() == '%') {
    const auto percent = ToNumber(text.substr(0, text.size() - 1));
    if (percent) return Wrong("is not a plain number: write " + FormatNumber(*percent / 100));
  }
  const std::size_t comma = text.find(',');
  if (comma != std::string_view::npos) {
    std::string with_point(text);
    with_point[comma] = '.';
    if (ToNumber(with_point)) return Wrong("is not a number: write " + with_point);
  }
  return Wrong("is not a number");
}

Parsed<std::int64_t> ParseBytes(std::string_view text) {
  const auto quantity = Split(text);
  if (!quantity) return Wrong("is not a size in bytes");
  const Suffix* suffix = FindSuffix(kByteSuffixes, quantity->suffix);
  if (suffix == nullptr && !quantity->suffix.empty()) return Wrong(WrongByteSuffix(*quantity));
  const double bytes = quantity->number * (suffix == nullptr ? 1 : suffix->factor);
  if (std::abs(bytes) > kLargestWhole) return Wrong("is too large for any setting");
  if (bytes != std::floor(bytes)) {
    return Wrong(fmt::format("is not a whole number of bytes: write {:.0f}", std::round(bytes)));
  }
  return static_cast<std::int64_t>(bytes);
}

Parsed<double> ParseSeconds(std::string_view text) {
  const auto quantity = Split(text);
  if (!quantity) {
    return Wrong("is not a duration: write seconds, or a number with ms, s, min, h or d, as in 30s");
  }
  if (quantity->suffix.empty()) return quantity->number;
  const Suffix* suffix = FindSuffix(kTimeSuffixes, quantity->suffix);
  if (suffix == nullptr) {
    return Wrong(fmt::format("has an unknown unit: write ms, s, min, h or d, as in {}s",
                             FormatNumber(quantity->number)));
  }
  return quantity->number * suffix->factor;
}

std::string FormatNumber(double value) { return fmt::format("{}", value); }

std::string FormatBytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t power = 0;
  while (bytes != 0 && bytes % 1024 == 0 && power + 1 < kNames.size()) {
    bytes /= 1024;
    ++power;
  }
  return fmt::format("{}{}", bytes, kNames[power]);
}

std::string FormatSeconds(double seconds) { return FormatNumber(seconds) + "s"; }

}  // namespace winnow::spec
