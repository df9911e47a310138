#include "libs/spec/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "libs/spec/canonical.h"
#include "libs/spec/nearest.h"
#include "libs/spec/scalar.h"
#include "libs/spec/schema.h"
#include "libs/spec/text_form.h"

namespace winnow::spec {
namespace {

constexpr const char* kVersionKey = "winnow";

// What the table says about one value, with its full path in this file.
struct Rule {
  std::string path;
  std::string row;      // path in the table
  std::string example;  // a valid value
  Unit unit;
  Range range;
  Form form;
};

// Path of a section: in the table and in this file; they differ inside lists.
struct Section {
  std::string row;   // "balance.axes[]." or "" at the top
  std::string path;  // "balance.axes[0]."
};

std::string FormatBound(double bound, Unit unit) {
  if (unit == Unit::kBytes) return FormatBytes(static_cast<std::uint64_t>(bound));
  if (unit == Unit::kSeconds) return FormatSeconds(bound);
  const std::string name(Name(unit));
  return FormatNumber(bound) + (name.empty() ? "" : " (" + name + ")");
}

std::optional<std::string> RangeFault(double value, const Rule& rule) {
  if (value < rule.range.least) {
    return "is below the least: write " + FormatBound(rule.range.least, rule.unit) + " or more";
  }
  if (value > rule.range.most) {
    return "is above the most: write " + FormatBound(rule.range.most, rule.unit) + " or less";
  }
  return std::nullopt;
}

Parsed<std::int64_t> ParseWholeAs(std::string_view text, Unit unit) {
  return unit == Unit::kBytes ? ParseBytes(text) : ParseWhole(text);
}

Parsed<double> ParseNumberAs(std::string_view text, Unit unit) {
  return unit == Unit::kSeconds ? ParseSeconds(text) : ParseNumber(text);
}

class Reader {
 public:
  Reading Read(const Node& root);

 private:
  template <class Owner>
  void ReadSection(const Node& node, const Section& section,
                   std::span<const Field<Owner>> fields, Owner& owner);
  template <class Owner>
  void ReadEntry(const Node& key, const Node& node, const Section& section,
                 std::span<const Field<Owner>> fields, Owner& owner);
  template <class Owner>
  void ReportUnknownKey(const Node& key, const Section& section,
                        std::span<const Field<Owner>> fields);
  bool ReadVersion(const Node& root);

  // One overload for each kind of Value.
  void ReadValue(const Node& node, const Rule& rule, bool* value);
  template <class Whole>
    requires std::is_integral_v<Whole>
  void ReadValue(const Node& node, const Rule& rule, Whole* value);
  void ReadValue(const Node& node, const Rule& rule, double* value);
  void ReadValue(const Node& node, const Rule& rule, std::string* value);
  template <class Tag>
  void ReadValue(const Node& node, const Rule& rule, StrongId<Tag>* value);
  template <class Word>
    requires std::is_enum_v<Word>
  void ReadValue(const Node& node, const Rule& rule, Word* value);
  void ReadValue(const Node& node, const Rule& rule, std::optional<std::string>* value);
  void ReadValue(const Node& node, const Rule& rule, std::vector<std::string>* value);
  template <class Entry>
  void ReadValue(const Node& node, const Rule& rule, std::map<std::string, Entry>* value);
  void ReadValue(const Node& node, const Rule& rule, std::vector<BalanceAxis>* value);

  bool IsScalar(const Node& node, const Rule& rule);
  // True if there are items to read; an empty value leaves the default.
  bool IsCollection(const Node& node, const Rule& rule, Node::Kind kind);
  bool IsFreshKey(const Node& key, const std::string& path);
  void Fault(const Node& node, const Rule& rule, const std::string& what);

  Reading reading_;
};

// ---- sections ------------------------------------------------------------------------------

bool IsBelow(std::string_view path, const Section& section) {
  return path.substr(0, section.row.size()) == section.row;
}

// The keys a section may have, in table order.
template <class Owner>
std::vector<std::string> KeysOf(const Section& section, std::span<const Field<Owner>> fields) {
  std::vector<std::string> keys;
  if (section.row.empty()) keys.emplace_back(kVersionKey);
  for (const auto& field : fields) {
    if (!IsBelow(field.path, section)) continue;
    const std::string_view rest = field.path.substr(section.row.size());
    const std::string key(rest.substr(0, rest.find('.')));
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

// "validate" for "min_side"; empty if no section or more than one has the key.
std::string SectionWithKey(std::string_view key) {
  std::string section;
  for (const auto& field : SpecFields()) {
    if (field.key() != key || field.path == key) continue;
    if (!section.empty()) return "";
    section = field.path.substr(0, field.path.rfind('.'));
  }
  return section;
}

std::string NameOf(const Section& section) {
  return section.path.empty() ? "the top level"
                              : Quoted(section.path.substr(0, section.path.size() - 1));
}

bool Reader::IsFreshKey(const Node& key, const std::string& path) {
  const auto [first, fresh] = reading_.marks.emplace(path, key.mark);
  if (!fresh) {
    reading_.problems.Add(key.mark, fmt::format("{} is given twice: remove it here or on line {}",
                                                Quoted(key.text), first->second.line));
  }
  return fresh;
}

template <class Owner>
void Reader::ReadSection(const Node& node, const Section& section,
                         std::span<const Field<Owner>> fields, Owner& owner) {
  if (node.kind == Node::Kind::kNull) return;
  if (node.kind != Node::Kind::kMap) {
    reading_.problems.Add(
        node.mark, fmt::format("{} must hold \"key: value\" lines; its keys are {}",
                               NameOf(section), fmt::join(KeysOf(section, fields), ", ")));
    return;
  }
  for (std::size_t i = 0; i + 1 < node.items.size() && !reading_.problems.full(); i += 2) {
    ReadEntry(node.items[i], node.items[i + 1], section, fields, owner);
  }
}

template <class Owner>
std::string ExampleOf(const Field<Owner>& field) {
  Owner defaults{};
  const std::string value = FormatValue(field.of(defaults), field.unit);
  return value == "0" ? "1000" : value;  // 0 means "no limit" and shows nothing
}

// yaml-cpp places an empty value at whatever follows it; its key is where the user looks.
Node Placed(const Node& node, const Node& key) {
  Node placed = node;
  if (node.kind == Node::Kind::kNull) placed.mark = key.mark;
  return placed;
}

template <class Owner>
void Reader::ReadEntry(const Node& key, const Node& node, const Section& section,
                       std::span<const Field<Owner>> fields, Owner& owner) {
  const std::string row = section.row + key.text;
  const std::string path = section.path + key.text;
  const std::vector<std::string> known = KeysOf(section, fields);
  if (key.kind != Node::Kind::kScalar ||
      std::find(known.begin(), known.end(), key.text) == known.end()) {
    return ReportUnknownKey(key, section, fields);
  }
  if (!IsFreshKey(key, path) || row == kVersionKey) return;
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&row](const auto& candidate) { return candidate.path == row; });
  if (field == fields.end()) {
    return ReadSection(Placed(node, key), {row + ".", path + "."}, fields, owner);
  }
  const Rule rule{path, row, ExampleOf(*field), field->unit, field->range, field->form};
  const Node placed = Placed(node, key);
  reading_.marks[path] = placed.mark;
  std::visit([&](auto* value) { ReadValue(placed, rule, value); }, field->of(owner));
}

template <class Owner>
void Reader::ReportUnknownKey(const Node& key, const Section& section,
                              std::span<const Field<Owner>> fields) {
  if (key.kind != Node::Kind::kScalar) {
    return reading_.problems.Add(key.mark, "a key must be plain text");
  }
  const std::vector<std::string> known = KeysOf(section, fields);
  std::string message = "unknown key " + Quoted(key.text);
  const auto nearest = Nearest(key.text, known);
  const std::string elsewhere = SectionWithKey(key.text);
  if (!elsewhere.empty()) {
    message += fmt::format(": it belongs under \"{}\"", elsewhere);
  } else if (nearest) {
    message += fmt::format(": did you mean \"{}\"?", *nearest);
  } else {
    message += fmt::format(": {} has {}", NameOf(section), fmt::join(known, ", "));
  }
  reading_.problems.Add(key.mark, std::move(message));
}

// ---- values --------------------------------------------------------------------------------

void Reader::Fault(const Node& node, const Rule& rule, const std::string& what) {
  const std::string shown = node.kind == Node::Kind::kScalar ? Quoted(node.text) + " " : "";
  reading_.problems.Add(node.mark, rule.path + ": " + shown + what);
  reading_.faulty.insert(rule.row);
}

// Whether a block of text ends in a line break depends on "|" or "|-", which means nothing to us.
std::string WithoutFinalLineBreaks(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);  // npos + 1 is 0
  return text;
}

// A fault that already says what to write needs no example.
std::string WithExample(const std::string& fault, const Rule& rule) {
  if (fault.find("write") != std::string::npos) return fault;
  return fault + ": write for example " + rule.example;
}

bool Reader::IsScalar(const Node& node, const Rule& rule) {
  if (node.kind == Node::Kind::kScalar) return true;
  const bool empty = node.kind == Node::Kind::kNull;
  Fault(node, rule, WithExample(empty ? "has no value" : "must be a single value", rule));
  return false;
}

bool Reader::IsCollection(const Node& node, const Rule& rule, Node::Kind kind) {
  if (node.kind == Node::Kind::kNull) return false;
  if (node.kind == kind) return true;
  Fault(node, rule, kind == Node::Kind::kSequence
                        ? "must be a list: write [first, second] or one \"- item\" a line"
                        : "must hold \"name: value\" lines, indented below it");
  return false;
}

void Reader::ReadValue(const Node& node, const Rule& rule, bool* value) {
  if (!IsScalar(node, rule)) return;
  const Parsed<bool> parsed = ParseBool(node.text);
  if (!parsed) return Fault(node, rule, WithExample(parsed.error(), rule));
  *value = *parsed;
}

template <class Whole>
  requires std::is_integral_v<Whole>
void Reader::ReadValue(const Node& node, const Rule& rule, Whole* value) {
  if (!IsScalar(node, rule)) return;
  const Parsed<std::int64_t> parsed = ParseWholeAs(node.text, rule.unit);
  if (!parsed) return Fault(node, rule, WithExample(parsed.error(), rule));
  const auto fault = RangeFault(static_cast<double>(*parsed), rule);
  if (fault) return Fault(node, rule, *fault);
  *value = static_cast<Whole>(*parsed);
}

void Reader::ReadValue(const Node& node, const Rule& rule, double* value) {
  if (!IsScalar(node, rule)) return;
  const Parsed<double> parsed = ParseNumberAs(node.text, rule.unit);
  if (!parsed) return Fault(node, rule, WithExample(parsed.error(), rule));
  const auto fault = RangeFault(*parsed, rule);
  if (fault) return Fault(node, rule, *fault);
  *value = *parsed;
}

void Reader::ReadValue(const Node& node, const Rule& rule, std::string* value) {
  if (!IsScalar(node, rule)) return;
  const auto fault = TextFault(node.text, rule.form);
  if (fault) return Fault(node, rule, *fault);
  *value = rule.form == Form::kParagraph ? WithoutFinalLineBreaks(node.text) : node.text;
}

template <class Tag>
void Reader::ReadValue(const Node& node, const Rule& rule, StrongId<Tag>* value) {
  std::string text;
  ReadValue(node, rule, &text);
  if (!text.empty()) *value = StrongId<Tag>(text);
}

template <class Word>
  requires std::is_enum_v<Word>
void Reader::ReadValue(const Node& node, const Rule& rule, Word* value) {
  if (!IsScalar(node, rule)) return;
  std::vector<std::string> words;
  for (const Word candidate : All(Word{})) {
    words.emplace_back(Name(candidate));
    if (node.text != words.back()) continue;
    *value = candidate;
    return;
  }
  Fault(node, rule, "is not known: " + OneOf(node.text, words));
}

void Reader::ReadValue(const Node& node, const Rule& rule, std::optional<std::string>* value) {
  if (node.kind == Node::Kind::kNull) {
    value->reset();
    return;
  }
  ReadValue(node, rule, &value->emplace());
}

void Reader::ReadValue(const Node& node, const Rule& rule, std::vector<std::string>* value) {
  if (!IsCollection(node, rule, Node::Kind::kSequence)) return;
  value->clear();
  for (std::size_t i = 0; i < node.items.size() && !reading_.problems.full(); ++i) {
    Rule item_rule = rule;
    item_rule.path += fmt::format("[{}]", i);
    item_rule.example = "\"- name\"";
    reading_.marks[item_rule.path] = node.items[i].mark;
    ReadValue(node.items[i], item_rule, &value->emplace_back());
  }
}

template <class Entry>
std::string ExampleOfEntry(const Rule& rule) {
  if constexpr (std::is_arithmetic_v<Entry>) return FormatNumber(rule.range.most == 1 ? 0.5 : 1000);
  return "a name";
}

template <class Entry>
void Reader::ReadValue(const Node& node, const Rule& rule, std::map<std::string, Entry>* value) {
  if (!IsCollection(node, rule, Node::Kind::kMap)) return;
  value->clear();
  for (std::size_t i = 0; i + 1 < node.items.size() && !reading_.problems.full(); i += 2) {
    const Node& key = node.items[i];
    Rule entry_rule = rule;
    entry_rule.path += "." + key.text;
    entry_rule.example = ExampleOfEntry<Entry>(rule);
    const auto fault = TextFault(key.text, rule.form);
    if (fault || key.kind != Node::Kind::kScalar) {
      Fault(key, rule, fault.value_or("must be plain text"));
    } else if (IsFreshKey(key, entry_rule.path)) {
      ReadValue(Placed(node.items[i + 1], key), entry_rule, &(*value)[key.text]);
    } else {
      reading_.faulty.insert(rule.row);
    }
  }
}

void Reader::ReadValue(const Node& node, const Rule& rule, std::vector<BalanceAxis>* value) {
  if (!IsCollection(node, rule, Node::Kind::kSequence)) return;
  value->clear();
  for (std::size_t i = 0; i < node.items.size() && !reading_.problems.full(); ++i) {
    const std::string path = fmt::format("{}[{}]", rule.path, i);
    reading_.marks[path] = node.items[i].mark;
    ReadSection(node.items[i], {rule.row + "[].", path + "."}, AxisFields(),
                value->emplace_back());
  }
}

// ---- the whole file ------------------------------------------------------------------------

// False if the file is of another format version.
bool Reader::ReadVersion(const Node& root) {
  const std::string expected = fmt::format("\"{}: {}\"", kVersionKey, kFormatVersion);
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    if (root.items[i].text != kVersionKey) continue;
    const Node& version = root.items[i + 1];
    if (version.text == std::to_string(kFormatVersion)) return true;
    reading_.problems.Add(Placed(version, root.items[i]).mark,
                          fmt::format("{} is not a version of the spec format that this program "
                                      "reads: write {}", Quoted(version.text), expected));
    reading_.version_known = false;
    return false;
  }
  reading_.problems.Add({1, 1}, "the version of the spec format is missing: begin the file with " +
                                    expected);
  return true;
}

Reading Reader::Read(const Node& root) {
  if (root.kind != Node::Kind::kMap) {
    reading_.version_known = false;
    reading_.problems.Add(root.mark,
                          fmt::format("a spec is made of \"key: value\" lines and begins with "
                                      "\"{}: {}\"", kVersionKey, kFormatVersion));
  } else if (ReadVersion(root)) {
    ReadSection(root, {"", ""}, SpecFields(), reading_.spec);
  }
  return std::move(reading_);
}

}  // namespace

std::vector<Problem> ProblemList::Take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return std::move(problems_);
}

Reading ReadFields(const Node& root) { return Reader().Read(root); }

}  // namespace winnow::spec
