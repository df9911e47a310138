// What an evaluation found, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "libs/dataset/report.h"
#include "libs/eval/labelled_set.h"
#include "libs/eval/matching.h"
#include "libs/spec/spec.h"

namespace winnow::eval {

struct SetResult {
  LabelledSet set;
  bool views = false;  // its groups are views of one thing, not copies of one picture
  Fingerprints fingerprints;
  Matched matched;
  std::vector<TransformScores> transforms;
  StreamScores stream;
};

// Two pictures to look at. Redacted pixels only, as everywhere (libs/dataset/report.h).
struct ShownPair {
  std::string set;
  int distance = 0;
  dataset::Thumbnail a;
  dataset::Thumbnail b;
};

struct DuplicatesReport {
  std::string version;  // of Winnow
  spec::DedupPolicy policy;
  std::vector<SetResult> sets;
  std::vector<ShownPair> wrong;
  std::vector<ShownPair> missed;
};

// Tables for a terminal.
std::string RenderText(const DuplicatesReport& report);

// One self-contained page. Everything taken from the input is escaped.
std::string RenderHtml(const DuplicatesReport& report);

// Format version 1, README.md. Without the pictures to look at.
std::string RenderJson(const DuplicatesReport& report);

}  // namespace winnow::eval
