#include "libs/spec/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "libs/spec/utf8.h"

namespace winnow::spec {
namespace {

Mark FromYaml(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

Problem At(Mark mark, std::string message) { return {mark.line, mark.column, std::move(message)}; }

// Ends the parse from inside a callback; caught in ReadYaml, never leaves this file.
struct Refused {
  Problem problem;
};

// Built on events instead of YAML::Load: the depth is bounded before a tree exists (YAML::Node is
// destroyed recursively), aliases never expand and repeated keys stay visible.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Refused{At(FromYaml(mark), "a second document starts here: a spec is one document; "
                                       "check the indentation and remove any \"---\"")};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Add(Node::Kind::kNull, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{At(FromYaml(mark), "aliases (*name) are not read: write the value out here")};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    RefuseTag(mark, tag);
    Node& node = Add(Node::Kind::kScalar, mark);
    node.text = value;
    last_scalar_ = mark;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(Node::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(Node::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { open_.pop_back(); }

  Node TakeRoot() { return std::move(root_); }

  // Where the last scalar starts: the only one that yaml-cpp may have let run to the end.
  const YAML::Mark& last_scalar() const { return last_scalar_; }

 private:
  // Plain scalars and collections have the tag "?", quoted scalars "!".
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{At(FromYaml(mark), "tags (!name) are not read: remove " + Quoted(tag))};
  }

  Node& Add(Node::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kMaxNodes) {
      throw Refused{At(FromYaml(mark), fmt::format("more than {} values: a spec is smaller than "
                                                   "that", kMaxNodes))};
    }
    Node& node = open_.empty() ? root_ : open_.back()->items.emplace_back();
    node.kind = kind;
    node.mark = FromYaml(mark);
    return node;
  }

  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    RefuseTag(mark, tag);
    if (open_.size() >= kMaxDepth) {
      throw Refused{At(FromYaml(mark),
                       fmt::format("nested deeper than {} levels: check the brackets and the "
                                   "indentation", kMaxDepth))};
    }
    // Pointers into `items` stay valid: a parent grows only while its children are closed.
    open_.push_back(&Add(kind, mark));
  }

  Node root_;
  std::vector<Node*> open_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
  YAML::Mark last_scalar_ = YAML::Mark::null_mark();
};

bool QuoteIsClosed(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

// yaml-cpp 0.7 takes a quote that never closes as a scalar up to the end of the file, so every key
// after it would be lost without a word.
void RefuseUnclosedQuote(std::string_view text, const YAML::Mark& scalar) {
  if (scalar.is_null()) return;
  const auto at = static_cast<std::size_t>(scalar.pos);
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return;
  if (QuoteIsClosed(text, at)) return;
  throw Refused{At(FromYaml(scalar), "this quote is never closed: add the closing " +
                                          std::string(1, text[at]))};
}

// yaml-cpp's own words are terse; the usual cause helps more.
std::string Hint(const std::string& message) {
  if (message == "illegal map value") {
    return ": quote text that contains \": \", indent with spaces (not tabs), and align the keys "
           "of a section";
  }
  if (message == "end of map not found") {
    return ": a key below is indented differently from the keys above it, or lacks its \":\"";
  }
  if (message == "end of sequence not found") {
    return ": align the \"- \" of all items of the list";
  }
  return ": check the punctuation here";
}

Mark MarkOf(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(lines) + 1, static_cast<int>(offset - line_start) + 1};
}

std::vector<Problem> CheckBytes(std::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return {{0, 0, fmt::format("has {} bytes: a spec has at most {}", text.size(), kMaxFileBytes)}};
  }
  const std::size_t bad = FirstBadByte(text);
  if (bad == std::string_view::npos) return {};
  return {At(MarkOf(text, bad),
             fmt::format("byte 0x{:02x} is not UTF-8 text: save the file as UTF-8",
                         static_cast<unsigned char>(text[bad])))};
}

Node ParseDocument(std::string_view text) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder;
  while (parser.HandleNextDocument(builder)) {
  }
  RefuseUnclosedQuote(text, builder.last_scalar());
  return builder.TakeRoot();
}

}  // namespace

YamlTree ReadYaml(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  YamlTree tree;
  tree.problems = CheckBytes(text);
  if (!tree.problems.empty()) return tree;
  try {
    tree.root = ParseDocument(text);
  } catch (const Refused& refused) {
    tree.problems.push_back(refused.problem);
  } catch (const YAML::Exception& error) {
    tree.problems.push_back(
        At(FromYaml(error.mark), "not valid YAML: " + error.msg + Hint(error.msg)));
  } catch (const std::exception& error) {
    tree.problems.push_back({0, 0, std::string("cannot be read as YAML: ") + error.what()});
  }
  return tree;
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string quoted = "\"";
  for (std::size_t i = 0; i < std::min(text.size(), kLongest); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += text[i];
    }
  }
  // Not in the middle of a character: a message is UTF-8 too.
  if (text.size() > kLongest) {
    while (FirstBadByte(quoted) != std::string_view::npos) quoted.pop_back();
    quoted += "...";
  }
  return quoted + "\"";
}

}  // namespace winnow::spec
