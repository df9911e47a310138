// YAML text as a tree of plain values that know where they stand in the file. The only file that
// includes yaml-cpp is yaml_tree.cc.
//
// A subset on purpose: one document, no aliases, no tags, no merge keys. What a reader sees is what
// the spec says, and a small file cannot blow up into a large tree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/spec/spec.h"

namespace winnow::spec {

inline constexpr std::size_t kMaxFileBytes = 1 << 20;
inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxNodes = 100'000;

struct Mark {
  int line = 0;    // 1-based; 0 = nowhere
  int column = 0;  // 1-based, bytes
};

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  Mark mark;
  std::string text;         // of a scalar
  std::vector<Node> items;  // of a sequence; of a map: key, value, key, value ...
};

struct YamlTree {
  Node root;                      // kNull for an empty file
  std::vector<Problem> problems;  // not empty: `root` is not to be used
};

// Never throws. Repeated keys are kept: the reader of the tree reports them.
YamlTree ReadYaml(std::string_view text);

// `text` in double quotes for a message: control characters escaped, long text cut short.
std::string Quoted(std::string_view text);

}  // namespace winnow::spec
