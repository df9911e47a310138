#include "libs/spec/schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libs/spec/canonical.h"
#include "libs/spec/field_count.h"
#include "libs/spec/report.h"

namespace winnow::spec {
namespace {

struct Three {
  int a = 1;
  std::string b;
  std::optional<std::string> c;
};
static_assert(FieldCount<Three>() == 3);

// A valid YAML value that is not the default, for any kind of field.
struct OtherValue {
  Range range;
  Unit unit;

  std::string operator()(const bool* value) const { return *value ? "false" : "true"; }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  std::string operator()(const Number* value) const {
    const double other = static_cast<double>(*value) == range.least ? range.most : range.least;
    return fmt::format("{}", other);
  }
  std::string operator()(const std::string*) const { return "other"; }
  template <class Tag>
  std::string operator()(const StrongId<Tag>*) const { return "other"; }
  template <class Word>
    requires std::is_enum_v<Word>
  std::string operator()(const Word* value) const {
    return std::string(Name(All(*value)[1]));
  }
  std::string operator()(const std::optional<std::string>*) const { return "other"; }
  std::string operator()(const std::vector<std::string>*) const { return "[other]"; }
  template <class Number>
  std::string operator()(const std::map<std::string, Number>*) const { return "{other: 1}"; }
  std::string operator()(const std::vector<BalanceAxis>*) const { return "[{name: site}]"; }
};

// A file with this one key besides the required ones.
std::string FileWith(std::string_view path, const std::string& value) {
  const std::size_t dot = path.find('.');
  if (path == "collection") return "winnow: 1\ncollection: " + value + "\n";
  return fmt::format("winnow: 1\ncollection: test\n{}:\n  {}: {}\n", path.substr(0, dot),
                     path.substr(dot + 1), value);
}

CollectionSpec Defaults() {
  CollectionSpec spec;
  spec.collection = CollectionId("test");
  return spec;
}

// What stands at each path, in full.
std::map<std::string, std::string> ValuesOf(CollectionSpec spec) {
  std::map<std::string, std::string> values;
  for (const auto& field : SpecFields()) {
    std::string text = FormatValue(field.of(spec), field.unit);
    values.emplace(field.path, std::move(text));
  }
  return values;
}

std::vector<std::string> ChangedPaths(const CollectionSpec& spec) {
  std::vector<std::string> changed;
  const auto before = ValuesOf(Defaults());
  for (const auto& [path, value] : ValuesOf(spec)) {
    if (before.at(path) != value) changed.push_back(path);
  }
  return changed;
}

TEST(SchemaTest, EveryKeyOfAFileReachesItsOwnMemberAndNoOther) {
  for (const auto& field : SpecFields()) {
    // Replacing one split by another of the same share shows in the name only.
    if (field.path == "output.splits") continue;
    CollectionSpec defaults = Defaults();
    const std::string value =
        std::visit(OtherValue{field.range, field.unit}, field.of(defaults));
    std::string yaml = FileWith(field.path, value);
    // Pairs of values that may not contradict each other.
    if (field.path == "privacy.residual_threshold") yaml += "  face_threshold: 0.01\n";
    if (field.path == "dedup.groups") yaml += "  scope: group\n";
    const CheckedSpec checked = Parse(yaml);
    ASSERT_TRUE(checked.problems.empty()) << FormatProblems(yaml, checked.problems);
    auto changed = ChangedPaths(checked.spec);
    if (field.path == "privacy.residual_threshold") std::erase(changed, "privacy.face_threshold");
    if (field.path == "dedup.groups") std::erase(changed, "dedup.scope");
    EXPECT_THAT(changed, testing::ElementsAre(std::string(field.path)));
  }
}

TEST(SchemaTest, SplitsReachTheirMember) {
  const CheckedSpec checked = Parse(FileWith("output.splits", "{test: 0.25, train: 0.75}"));
  EXPECT_THAT(checked.spec.output.splits,
              testing::ElementsAre(testing::Pair("test", 0.25), testing::Pair("train", 0.75)));
}

TEST(SchemaTest, EveryKeyIsExplainedOnce) {
  std::set<std::string_view> paths;
  for (const auto& field : SpecFields()) {
    EXPECT_TRUE(paths.insert(field.path).second) << field.path;
    EXPECT_FALSE(field.meaning.empty()) << field.path;
    EXPECT_FALSE(field.source.empty()) << field.path;
    EXPECT_EQ(field.meaning.find('\n'), std::string_view::npos) << field.path;
  }
}

// Describe closes a section when the next begins.
TEST(SchemaTest, KeysOfASectionStandTogether) {
  std::vector<std::string> sections;
  for (const auto& field : SpecFields()) {
    const std::string section(field.path.substr(0, field.path.find('.')));
    if (sections.empty() || sections.back() != section) sections.push_back(section);
  }
  const std::set<std::string> unique(sections.begin(), sections.end());
  EXPECT_EQ(unique.size(), sections.size());
}

TEST(SchemaTest, DefaultsLieInTheirRanges) {
  const CheckedSpec checked = Parse(Describe(Defaults()));
  EXPECT_TRUE(checked.problems.empty()) << FormatProblems("defaults", checked.problems);
}

}  // namespace
}  // namespace winnow::spec
