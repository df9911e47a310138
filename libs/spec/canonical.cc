#include "libs/spec/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "libs/spec/scalar.h"

namespace winnow::spec {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsPlainLetter(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
}

// Words that YAML or this program could take for something other than text.
bool IsReserved(std::string_view text) {
  constexpr std::array<std::string_view, 6> kReserved = {"null", "true", "false", "yes", "no", "y"};
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kReserved.begin(), kReserved.end(), lower) != kReserved.end();
}

std::string InQuotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string FormatWhole(std::uint64_t value, Unit unit) {
  return unit == Unit::kBytes ? FormatBytes(value) : std::to_string(value);
}

// One overload for each kind of Value.
std::string Format(const bool& value, Unit) { return value ? "true" : "false"; }
template <class Whole>
  requires std::is_integral_v<Whole>
std::string Format(const Whole& value, Unit unit) {
  return FormatWhole(static_cast<std::uint64_t>(value), unit);
}
std::string Format(const double& value, Unit unit) {
  return unit == Unit::kSeconds ? FormatSeconds(value) : FormatNumber(value);
}
std::string Format(const std::string& value, Unit) { return FormatText(value); }
template <class Tag>
std::string Format(const StrongId<Tag>& value, Unit) {
  return FormatText(value.value());
}
template <class Word>
  requires std::is_enum_v<Word>
std::string Format(const Word& value, Unit) {
  return std::string(Name(value));
}
std::string Format(const std::optional<std::string>& value, Unit) {
  return value ? FormatText(*value) : "null";
}
template <class Item>
std::string Format(const std::vector<Item>& value, Unit) {
  return value.empty() ? "[]" : "...";
}
template <class Number>
std::string Format(const std::map<std::string, Number>& value, Unit) {
  return value.empty() ? "{}" : "...";
}

std::string FormatRange(Range range, Unit unit) {
  if (range.most <= range.least) return "";
  if (unit == Unit::kBytes) {
    return fmt::format("{} to {}", FormatBytes(static_cast<std::uint64_t>(range.least)),
                       FormatBytes(static_cast<std::uint64_t>(range.most)));
  }
  return fmt::format("{} to {}", FormatNumber(range.least), FormatNumber(range.most));
}

class Writer {
 public:
  explicit Writer(Comments comments) : comments_(comments) {}

  std::string Write(CollectionSpec spec);

 private:
  // `lead` stands before the key: the indentation, or "    - " for the first key of a list item.
  template <class Owner>
  void WriteField(const Field<Owner>& field, Owner& owner, const std::string& lead);
  template <class Owner>
  void WriteComment(const Field<Owner>& field, const std::string& indent);

  template <class Scalar>
  void WriteBelow(const Scalar&, Unit, const std::string&) {}  // a scalar has nothing below it
  void WriteBelow(const std::vector<std::string>& items, Unit unit, const std::string& indent);
  template <class Number>
  void WriteBelow(const std::map<std::string, Number>& entries, Unit unit,
                  const std::string& indent);
  void WriteBelow(const std::vector<BalanceAxis>& axes, Unit unit, const std::string& indent);

  Comments comments_;
  std::string out_;
};

template <class Owner>
void Writer::WriteComment(const Field<Owner>& field, const std::string& indent) {
  if (comments_ == Comments::kNone) return;
  std::string facts(Name(field.unit));
  const std::string range = FormatRange(field.range, field.unit);
  if (!facts.empty() && !range.empty()) facts += ", ";
  facts += range;
  if (!facts.empty()) facts = " [" + facts + "]";
  out_ += fmt::format("{}# {}{}. Default: {}.\n", indent, field.meaning, facts, field.source);
}

template <class Owner>
void Writer::WriteField(const Field<Owner>& field, Owner& owner, const std::string& lead) {
  const Value value = field.of(owner);
  const std::string text = FormatValue(value, field.unit);
  const std::string indent(lead.size(), ' ');
  out_ += fmt::format("{}{}:{}\n", lead, field.key(), text == "..." ? "" : " " + text);
  std::visit([&](const auto* typed) { WriteBelow(*typed, field.unit, indent + "  "); }, value);
}

void Writer::WriteBelow(const std::vector<std::string>& items, Unit, const std::string& indent) {
  for (const std::string& item : items) out_ += indent + "- " + FormatText(item) + "\n";
}

template <class Number>
void Writer::WriteBelow(const std::map<std::string, Number>& entries, Unit unit,
                        const std::string& indent) {
  for (const auto& [key, value] : entries) {
    out_ += fmt::format("{}{}: {}\n", indent, FormatText(key), Format(value, unit));
  }
}

void Writer::WriteBelow(const std::vector<BalanceAxis>& axes, Unit, const std::string& indent) {
  bool first_axis = true;
  for (BalanceAxis axis : axes) {
    std::string lead = indent + "- ";
    for (const auto& field : AxisFields()) {
      if (first_axis) WriteComment(field, indent + "  ");
      WriteField(field, axis, lead);
      lead = indent + "  ";
    }
    first_axis = false;
  }
}

std::string Writer::Write(CollectionSpec spec) {
  out_ = fmt::format("winnow: {}\n", kFormatVersion);
  std::string section;
  for (const auto& field : SpecFields()) {
    const std::size_t dot = field.path.find('.');
    const std::string_view own = dot == std::string_view::npos ? "" : field.path.substr(0, dot);
    if (own != section) out_ += fmt::format("{}:\n", own);
    section = own;
    const std::string indent(section.empty() ? 0 : 2, ' ');
    WriteComment(field, indent);
    WriteField(field, spec, indent);
  }
  return std::move(out_);
}

}  // namespace

std::string WriteCanonical(const CollectionSpec& spec, Comments comments) {
  return Writer(comments).Write(spec);
}

std::string FormatValue(const Value& value, Unit unit) {
  return std::visit([unit](const auto* typed) { return Format(*typed, unit); }, value);
}

std::string FormatText(std::string_view text) {
  const bool plain = !text.empty() && IsLetter(text.front()) && !IsReserved(text) &&
                     std::all_of(text.begin(), text.end(), IsPlainLetter);
  return plain ? std::string(text) : InQuotes(text);
}

}  // namespace winnow::spec
