// From YAML tree to spec, key by key along the table in schema.h.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/spec/spec.h"
#include "libs/spec/yaml_tree.h"

namespace winnow::spec {

// Findings so far, bounded so that a hostile file cannot make the checker work for ever.
class ProblemList {
 public:
  void Add(Mark mark, std::string message) {
    if (!full()) problems_.push_back({mark.line, mark.column, std::move(message)});
  }
  bool full() const { return problems_.size() >= kMost; }
  // In file order.
  std::vector<Problem> Take();

 private:
  static constexpr std::size_t kMost = 100;
  std::vector<Problem> problems_;
};

// A spec as read, with what the checker needs to point at the right line. Paths are dotted, entries
// of maps by key and items of lists by index: "balance.axes[0].targets.dark".
struct Reading {
  CollectionSpec spec;
  std::map<std::string, Mark> marks;  // of every value that stands in the file
  std::set<std::string> faulty;       // table rows with a problem: their value means nothing
  ProblemList problems;
  bool version_known = true;  // false: nothing in the file can be judged
};

// Each value is checked by itself: type, unit, range, form.
Reading ReadFields(const Node& root);

}  // namespace winnow::spec
