#include "libs/spec/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/spec/nearest.h"
#include "libs/spec/scalar.h"
#include "libs/spec/schema.h"
#include "libs/spec/text_form.h"

namespace winnow::spec {
namespace {

// Shares as people write them: thirds as 0.333333.
constexpr double kShareRounding = 1e-6;

constexpr std::string_view kAttributePrefix = "attribute:";

class Checker {
 public:
  explicit Checker(Reading& reading)
      : reading_(reading),
        spec_(reading.spec),
        classes_(spec_.objective.classes.begin(), spec_.objective.classes.end()) {}

  void Check() {
    CheckCollection();
    CheckClasses();
    CheckTargetCounts();
    CheckPrivacy();
    CheckDedup();
    CheckAxes();
    CheckSplits();
  }

 private:
  bool Sound(const std::string& row) const { return !reading_.faulty.contains(row); }

  // The place of the first of these paths that stands in the file.
  Mark At(std::initializer_list<std::string> paths) const {
    for (const std::string& path : paths) {
      const auto found = reading_.marks.find(path);
      if (found != reading_.marks.end()) return found->second;
    }
    return {};
  }

  void Add(Mark mark, std::string message) { reading_.problems.Add(mark, std::move(message)); }

  void CheckCollection();
  void CheckClasses();
  void CheckTargetCounts();
  void CheckPrivacy();
  void CheckDedup();
  void CheckAxes();
  void CheckAxis(const BalanceAxis& axis, const std::string& path);
  void CheckAxisName(const BalanceAxis& axis, const std::string& path);
  void CheckAxisTargets(const BalanceAxis& axis, const std::string& path);
  void CheckSplits();

  void CheckClassIsKnown(const std::string& name, const std::string& path);

  Reading& reading_;
  const CollectionSpec& spec_;
  const std::set<std::string_view> classes_;
};

void Checker::CheckCollection() {
  if (!spec_.collection.empty() || !Sound("collection")) return;
  Add(At({"collection"}), "the name of the dataset is missing: add for example "
                          "\"collection: my-dataset\"");
}

void Checker::CheckClasses() {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < spec_.objective.classes.size(); ++i) {
    const std::string& name = spec_.objective.classes[i];
    if (name.empty() || seen.insert(name).second) continue;
    const std::string path = fmt::format("objective.classes[{}]", i);
    Add(At({path}), fmt::format("{}: {} is listed twice: remove one", path, Quoted(name)));
  }
}

void Checker::CheckClassIsKnown(const std::string& name, const std::string& path) {
  if (classes_.empty() || !Sound("objective.classes") || reading_.problems.full()) return;
  if (classes_.contains(name)) return;
  Add(At({path}), fmt::format("{} is not in objective.classes: {}, or add it there", Quoted(name),
                              OneOf(name, spec_.objective.classes)));
}

void Checker::CheckTargetCounts() {
  for (const auto& [name, count] : spec_.objective.target_counts) {
    CheckClassIsKnown(name, "objective.target_counts." + name);
  }
}

void Checker::CheckPrivacy() {
  const PrivacyPolicy& privacy = spec_.privacy;
  if (!privacy.faces || privacy.residual_threshold >= privacy.face_threshold) return;
  if (!Sound("privacy.residual_threshold") || !Sound("privacy.face_threshold")) return;
  Add(At({"privacy.residual_threshold", "privacy.face_threshold"}),
      fmt::format("privacy.residual_threshold {} is below privacy.face_threshold {}: faces between "
                  "the two would never be destroyed and always go to review; write {} or more",
                  FormatNumber(privacy.residual_threshold), FormatNumber(privacy.face_threshold),
                  FormatNumber(privacy.face_threshold)));
}

// Settings that say something without effect are mistakes of somebody who expects one.
void Checker::CheckDedup() {
  const DedupPolicy& dedup = spec_.dedup;
  const bool grouped = dedup.scope == DedupScope::kGroup;
  if (Sound("dedup.scope") && Sound("dedup.groups") && grouped != !dedup.groups.empty()) {
    Add(At({grouped ? "dedup.scope" : "dedup.groups"}),
        grouped ? "dedup.scope is group, but no group is there: add for example \"groups: {cam-1: "
                  "gate, cam-2: gate}\""
                : fmt::format("dedup.groups has no effect with scope {}: write \"scope: group\"",
                              Name(dedup.scope)));
  }
}

void Checker::CheckAxes() {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < spec_.balance.axes.size(); ++i) {
    const BalanceAxis& axis = spec_.balance.axes[i];
    const std::string path = fmt::format("balance.axes[{}]", i);
    CheckAxis(axis, path);
    if (axis.name.empty() || seen.insert(axis.name).second) continue;
    Add(At({path + ".name"}), fmt::format("{}.name: the axis {} is given twice: merge the two",
                                          path, Quoted(axis.name)));
  }
}

void Checker::CheckAxis(const BalanceAxis& axis, const std::string& path) {
  if (axis.name.empty()) {
    if (!Sound("balance.axes[].name")) return;
    return Add(At({path}), path + ": an axis needs a name: add for example \"name: class\"");
  }
  CheckAxisName(axis, path);
  CheckAxisTargets(axis, path);
}

void Checker::CheckAxisName(const BalanceAxis& axis, const std::string& path) {
  const std::vector<std::string> names = AxisNames();
  if (std::find(names.begin(), names.end(), axis.name) != names.end()) return;
  const bool attribute = axis.name.substr(0, kAttributePrefix.size()) == kAttributePrefix;
  if (attribute && axis.name.size() > kAttributePrefix.size()) return;
  const auto nearest = Nearest(axis.name, names);
  const std::string fix = attribute  ? "name the attribute, as in attribute:weather"
                          : nearest ? "write " + *nearest
                                    : "write class, lighting, source, site, format or attribute:" +
                                          axis.name;
  Add(At({path + ".name"}),
      fmt::format("{}.name: {} is not an axis: {}", path, Quoted(axis.name), fix));
}

void Checker::CheckAxisTargets(const BalanceAxis& axis, const std::string& path) {
  if (!Sound("balance.axes[].targets")) return;
  const std::vector<std::string> words = axis.name == "lighting" ? LightingNames()
                                         : axis.name == "format" ? FormatNames()
                                                                 : std::vector<std::string>();
  double sum = 0;
  for (const auto& [value, share] : axis.targets) {
    const std::string value_path = path + ".targets." + value;
    sum += share;
    if (axis.name == "class") CheckClassIsKnown(value, value_path);
    if (words.empty() || std::find(words.begin(), words.end(), value) != words.end()) continue;
    Add(At({value_path}), fmt::format("{} is not a value of the axis {}: {}", Quoted(value),
                                      axis.name, OneOf(value, words)));
  }
  if (sum <= 1 + kShareRounding) return;
  Add(At({path + ".targets"}),
      fmt::format("{}.targets: the shares sum to {:.6g}, more than 1: take {:.6g} away", path, sum,
                  sum - 1));
}

void Checker::CheckSplits() {
  if (!Sound("output.splits")) return;
  double sum = 0;
  for (const auto& [name, share] : spec_.output.splits) sum += share;
  if (std::abs(sum - 1) <= kShareRounding) return;
  Add(At({"output.splits"}),
      fmt::format("output.splits: the shares sum to {:.6g}, not 1: {} {:.6g}", sum,
                  sum < 1 ? "add" : "take away", std::abs(sum - 1)));
}

}  // namespace

void CheckMeaning(Reading& reading) { Checker(reading).Check(); }

}  // namespace winnow::spec
