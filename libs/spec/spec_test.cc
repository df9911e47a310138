#include "libs/spec/spec.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "libs/spec/report.h"

namespace winnow::spec {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kHead = "winnow: 1\ncollection: test\n";

// Problems of a file whose first two lines are in order, as "line:column: message".
std::vector<std::string> ProblemsOf(const std::string& rest) {
  std::vector<std::string> lines;
  for (const Problem& problem : Parse(kHead + rest).problems) {
    lines.push_back(fmt::format("{}:{}: {}", problem.line, problem.column, problem.message));
  }
  return lines;
}

CollectionSpec Valid(const std::string& rest) {
  CheckedSpec checked = Parse(kHead + rest);
  EXPECT_EQ(FormatProblems("spec", checked.problems), "");
  return checked.spec;
}

TEST(ParseTest, FillsInDefaults) {
  const CollectionSpec spec = Valid("");
  EXPECT_EQ(spec.collection, CollectionId("test"));
  EXPECT_EQ(spec.validate.min_side, ValidateRules().min_side);
  EXPECT_THAT(spec.output.splits, ElementsAre(Pair("train", 1.0)));
}

TEST(ParseTest, ReadsEverySection) {
  const CollectionSpec spec = Valid(R"(
objective: {classes: [car, bus], target_counts: {car: 10_000}, target_images: 20000}
ingest: {label_from: parent_directory, source: cam-1}
validate: {max_bytes: 1 GiB, max_decode_seconds: 500ms, required_consent_purpose: train}
privacy: {faces: false}
dedup: {max_distance: 12}
balance:
  axes:
    - name: class
      targets: {car: 0.5}
    - {name: "attribute:weather", tolerance: 0.1}
output: {splits: {train: 0.9, val: 0.1}}
)");
  EXPECT_THAT(spec.objective.target_counts, ElementsAre(Pair("car", 10'000u)));
  EXPECT_EQ(spec.ingest.label_from, LabelFrom::kParentDirectory);
  EXPECT_EQ(spec.ingest.source, SourceId("cam-1"));
  EXPECT_EQ(spec.validate.max_bytes, 1ull << 30);
  EXPECT_EQ(spec.validate.max_decode_seconds, 0.5);
  EXPECT_EQ(spec.validate.required_consent_purpose, "train");
  EXPECT_FALSE(spec.privacy.faces);
  EXPECT_EQ(spec.dedup.max_distance, 12u);
  ASSERT_THAT(spec.balance.axes, SizeIs(2));
  EXPECT_EQ(spec.balance.axes[1].tolerance, 0.1);
  EXPECT_THAT(spec.output.splits, ElementsAre(Pair("train", 0.9), Pair("val", 0.1)));
}

TEST(ParseTest, TakesEmptySectionsAndListsAsDefaults) {
  EXPECT_EQ(Valid("validate:\nobjective:\n  classes:\noutput:\n  splits:\n").digest,
            Valid("").digest);
}

TEST(ParseTest, KeepsWordsOfOtherYamlDialectsAsText) {
  EXPECT_THAT(Valid("objective: {classes: [no, on, 12, \"null\", 1e3]}").objective.classes,
              ElementsAre("no", "on", "12", "null", "1e3"));
}

TEST(ParseTest, NeedsVersionAndCollection) {
  const auto without_version = Parse("collection: test\n").problems;
  ASSERT_THAT(without_version, SizeIs(1));
  EXPECT_THAT(without_version[0].message, HasSubstr("\"winnow: 1\""));
  const auto without_name = Parse("winnow: 1\n").problems;
  ASSERT_THAT(without_name, SizeIs(1));
  EXPECT_THAT(without_name[0].message, HasSubstr("collection"));
  EXPECT_THAT(Parse("").problems, SizeIs(1));
  EXPECT_THAT(Parse("- a\n- b\n").problems, SizeIs(1));
}

TEST(ParseTest, JudgesNothingInAFileOfAnotherVersion) {
  const auto problems = Parse("winnow: 2\ncollection: test\nfrobnicate: 1\n").problems;
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].line, 1);
  EXPECT_THAT(problems[0].message, HasSubstr("\"2\""));
}

TEST(ParseTest, ReportsEveryProblemInFileOrder) {
  EXPECT_THAT(ProblemsOf("output: {shard_images: 0}\nprivacy: {cells: x}\ndedup: {exakt: true}\n"),
              ElementsAre(StartsWith("3:24: output.shard_images"),
                          StartsWith("4:18: privacy.cells"),
                          StartsWith("5:9: unknown key \"exakt\"")));
}

TEST(ParseTest, NamesTheKeyThatWasMeant) {
  EXPECT_THAT(ProblemsOf("validat: {}\n"), ElementsAre(HasSubstr("\"validate\"?")));
  EXPECT_THAT(ProblemsOf("validate: {min_sied: 3}\n"), ElementsAre(HasSubstr("\"min_side\"?")));
  EXPECT_THAT(ProblemsOf("min_side: 3\n"),
              ElementsAre(HasSubstr("belongs under \"validate\"")));
  EXPECT_THAT(ProblemsOf("dedup: {zzz: 3}\n"),
              ElementsAre(HasSubstr("has exact, max_distance, min_quality")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: site, tolerence: 0.1}]}\n"),
              ElementsAre(HasSubstr("\"tolerance\"?")));
}

TEST(ParseTest, NamesTheBoundOfARange) {
  EXPECT_THAT(ProblemsOf("validate: {min_side: -3}\n"),
              ElementsAre(HasSubstr("\"-3\" is below the least: write 1 (pixels) or more")));
  EXPECT_THAT(ProblemsOf("dedup: {max_distance: 40}\n"),
              ElementsAre(HasSubstr("\"40\" is above the most: write 31 (bits) or less")));
  EXPECT_THAT(ProblemsOf("output: {shard_bytes: 1kB}\n"), ElementsAre(HasSubstr("write 1MiB")));
}

TEST(ParseTest, ShowsAnExampleOfTheExpectedType) {
  EXPECT_THAT(ProblemsOf("validate: {min_side: tall}\n"),
              ElementsAre(HasSubstr("not a whole number: write for example 200")));
  EXPECT_THAT(ProblemsOf("validate: {max_bytes: big}\n"), ElementsAre(HasSubstr("example 64MiB")));
  EXPECT_THAT(ProblemsOf("validate: {min_side:}\n"), ElementsAre(HasSubstr("has no value")));
  EXPECT_THAT(ProblemsOf("validate: {min_side: [1]}\n"), ElementsAre(HasSubstr("single value")));
  EXPECT_THAT(ProblemsOf("objective: {classes: car}\n"), ElementsAre(HasSubstr("list")));
  EXPECT_THAT(ProblemsOf("output: {splits: [a]}\n"), ElementsAre(HasSubstr("name: value")));
  EXPECT_THAT(ProblemsOf("validate: 3\n"), ElementsAre(HasSubstr("its keys are max_bytes")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [class]}\n"),
              testing::Contains(HasSubstr("its keys are name")));
}

TEST(ParseTest, PointsAtTheKeyOfAMissingValue) {
  EXPECT_THAT(ProblemsOf("validate:\n  min_side:\n  max_bytes: 1MB\n"),
              ElementsAre(StartsWith("4:3: validate.min_side: has no value")));
}

TEST(ParseTest, NamesTheNearestWordOfAClosedSet) {
  EXPECT_THAT(ProblemsOf("ingest: {label_from: parent_dir}\n"),
              ElementsAre(HasSubstr("write parent_directory")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: lightning}]}\n"),
              ElementsAre(HasSubstr("write lighting")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: weather}]}\n"),
              ElementsAre(HasSubstr("attribute:weather")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: lighting, targets: {drak: 0.1}}]}\n"),
              ElementsAre(HasSubstr("write dark")));
}

TEST(ParseTest, NamesTheNearestClass) {
  const std::string classes = "objective:\n  classes: [person, car, bus]\n";
  EXPECT_THAT(ProblemsOf(classes + "  target_counts: {persn: 3}\n"),
              ElementsAre(AllOf(StartsWith("5:19: "), HasSubstr("write person"))));
  EXPECT_THAT(ProblemsOf(classes + "balance: {axes: [{name: class, targets: {vehicle: 0.3}}]}\n"),
              ElementsAre(HasSubstr("write one of person, car, bus")));
}

TEST(ParseTest, AcceptsAnyClassWhereNoOntologyIsGiven) {
  EXPECT_THAT(ProblemsOf("objective: {target_counts: {anything: 3}}\n"), IsEmpty());
}

TEST(ParseTest, RefusesWhatStandsTwice) {
  EXPECT_THAT(ProblemsOf("dedup: {exact: true}\ndedup: {exact: false}\n"),
              ElementsAre(AllOf(StartsWith("4:1: "), HasSubstr("line 3"))));
  EXPECT_THAT(ProblemsOf("objective: {classes: [a, b, a]}\n"), ElementsAre(StartsWith("3:29: ")));
  EXPECT_THAT(ProblemsOf("output: {splits: {a: 0.5, a: 0.5}}\n"),
              ElementsAre(HasSubstr("given twice")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: site}, {name: site}]}\n"),
              ElementsAre(HasSubstr("given twice")));
  EXPECT_THAT(Parse("winnow: 1\nwinnow: 1\ncollection: a\n").problems, SizeIs(1));
}

TEST(ParseTest, AddsUpShares) {
  EXPECT_THAT(ProblemsOf("output: {splits: {train: 0.8, val: 0.1}}\n"),
              ElementsAre(HasSubstr("sum to 0.9, not 1: add 0.1")));
  EXPECT_THAT(ProblemsOf("output: {splits: {}}\n"), ElementsAre(HasSubstr("sum to 0")));
  EXPECT_THAT(ProblemsOf("balance: {axes: [{name: site, targets: {a: 0.7, b: 0.5}}]}\n"),
              ElementsAre(HasSubstr("sum to 1.2, more than 1: take 0.2 away")));
  EXPECT_THAT(ProblemsOf("output: {splits: {a: 0.3333333, b: 0.3333333, c: 0.3333334}}\n"),
              IsEmpty());
}

// A wrong share would make the sum wrong as well: one mistake, one line.
TEST(ParseTest, ReportsOneMistakeOnce) {
  EXPECT_THAT(ProblemsOf("output: {splits: {train: 80%, val: 0.2}}\n"),
              ElementsAre(HasSubstr("write 0.8")));
  EXPECT_THAT(ProblemsOf("objective:\n  classes: car\n  target_counts: {bus: 1}\n"), SizeIs(1));
}

TEST(ParseTest, RefusesAReviewThresholdThatNothingCanPass) {
  EXPECT_THAT(ProblemsOf("privacy:\n  face_threshold: 0.5\n  residual_threshold: 0.4\n"),
              ElementsAre(AllOf(StartsWith("5:23: "), HasSubstr("write 0.5 or more"))));
  EXPECT_THAT(ProblemsOf("privacy: {faces: false, face_threshold: 0.9}\n"), IsEmpty());
}

TEST(ParseTest, TakesNamesThatAreSafeInFileNamesOnly) {
  for (const char* name : {"../etc", "a/b", ".hidden", "-rf", "\"\"", "a b", "\"a\\nb\""}) {
    const std::string yaml = fmt::format("winnow: 1\ncollection: {}\n", name);
    EXPECT_THAT(Parse(yaml).problems, SizeIs(1)) << name;
  }
  EXPECT_THAT(Parse("winnow: 1\ncollection: Street Fleet 7\n").problems[0].message,
              HasSubstr("write Street-Fleet-7"));
  EXPECT_THAT(ProblemsOf("output: {splits: {\"../x\": 1}}\n"), SizeIs(1));
}

TEST(ParseTest, StopsAtAHundredProblems) {
  std::string unknown;
  for (int i = 0; i < 5000; ++i) unknown += fmt::format("key{}: 1\n", i);
  EXPECT_THAT(ProblemsOf(unknown), SizeIs(100));
}

TEST(ParseTest, GivesTheProblemOfTextThatIsNotYaml) {
  EXPECT_THAT(ProblemsOf("a: b: c\n"), ElementsAre(StartsWith("3:5: not valid YAML")));
}

TEST(DigestTest, IsEqualForSpecsThatMeanTheSame) {
  const std::string digest = Valid("").digest;
  EXPECT_THAT(digest, SizeIs(64));
  EXPECT_EQ(Parse("collection: test # name\nwinnow: 1\nvalidate: {min_side: 2_00}\n").spec.digest,
            digest);
  EXPECT_EQ(Valid("validate: {max_bytes: 65536KiB}\n").digest, digest);
  EXPECT_EQ(Valid("objective:\n  description: |\n    a\n").digest,
            Valid("objective: {description: a}\n").digest);
  EXPECT_EQ(Valid("objective: {target_counts: {a: 1, b: 2}}\n").digest,
            Valid("objective: {target_counts: {b: 2, a: 1}}\n").digest);
}

TEST(DigestTest, DiffersForSpecsThatMeanSomethingElse) {
  const std::string digest = Valid("").digest;
  EXPECT_NE(Valid("validate: {min_side: 201}\n").digest, digest);
  EXPECT_NE(Valid("balance: {axes: [{name: site}]}\n").digest, digest);
  EXPECT_NE(Valid("objective: {classes: [\"a, b\"]}\n").digest,
            Valid("objective: {classes: [a, b]}\n").digest);
}

TEST(DigestTest, IsWhatParseStores) {
  const CollectionSpec spec = Valid("dedup: {max_distance: 3}\n");
  EXPECT_EQ(Digest(spec), spec.digest);
}

TEST(DescribeTest, ParsesBackToTheSameSpec) {
  const CollectionSpec spec = Valid(R"(
objective:
  description: "Two lines\nwith \"quotes\", a backslash \\, # no comment: and \xe9\u20ac\U0001F4F7"
  classes: ["no", "null", "true", "12", "a b", "ключ", "- x", "{a}", "*x", "!t", "it's", "a: b", "#"]
  target_counts: {"no": 1, "a: b": 12345678, "12": 5}
ingest: {source: "id with spaces"}
validate: {max_bytes: 1234567, min_sharpness: 0.1234567890123, required_consent_purpose: "null"}
balance:
  axes:
    - {name: class, targets: {"null": 0.1, "a b": 1e-7}}
    - {name: "attribute:time of day", tolerance: 0}
output: {splits: {train: 0.7, val: 0.3}}
)");
  const CheckedSpec again = Parse(Describe(spec));
  EXPECT_EQ(FormatProblems("described", again.problems), "");
  EXPECT_EQ(again.spec.digest, spec.digest);
  EXPECT_EQ(again.spec.objective.classes, spec.objective.classes);
  EXPECT_EQ(again.spec.objective.description, spec.objective.description);
  EXPECT_EQ(again.spec.validate.required_consent_purpose, "null");
}

TEST(DescribeTest, TellsUnitRangeAndSource) {
  EXPECT_THAT(Describe(Valid("")),
              HasSubstr("  # shorter side [pixels, 1 to 65536]. Default: DataComp basic filter.\n"
                        "  min_side: 200\n"));
}

class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::path(testing::TempDir()) /
                 fmt::format("winnow-spec-{}", info->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& text) const {
    const std::string path = directory_ / "spec.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::filesystem::path directory_;
};

TEST_F(LoadTest, ReadsAFile) {
  const auto spec = Load(Write("winnow: 1\ncollection: shop\n"));
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->collection, CollectionId("shop"));
}

TEST_F(LoadTest, NamesFileLineAndColumnOfEveryProblem) {
  const std::string path = Write("winnow: 1\ncollection: shop\ndedup: {max_distance: 99}\nx: 1\n");
  const auto spec = Load(path);
  ASSERT_FALSE(spec.has_value());
  EXPECT_EQ(spec.error().code, ErrorCode::kConfig);
  EXPECT_THAT(spec.error().message, HasSubstr(path + ":3:23: dedup.max_distance"));
  EXPECT_THAT(spec.error().message, HasSubstr("\n" + path + ":4:1: unknown key"));
}

TEST_F(LoadTest, SaysWhyAFileCannotBeRead) {
  const auto missing = Load(directory_ / "absent.yaml");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kConfig);
  EXPECT_THAT(missing.error().message, HasSubstr("absent.yaml: cannot be read"));
  const auto folder = Load(directory_);
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(folder.error().code, ErrorCode::kConfig);
}

TEST_F(LoadTest, DoesNotReadAnEndlessFile) {
  const auto spec = Load("/dev/zero");
  ASSERT_FALSE(spec.has_value());
  EXPECT_THAT(spec.error().message, HasSubstr("at most"));
}

TEST(ParseTest, ReadsThePolicyOfDuplicates) {
  const CheckedSpec checked = Parse(
      "winnow: 1\ncollection: c\ndedup:\n  scope: group\n  groups: {cam-1: gate, cam-2: gate}\n"
      "  window_seconds: 30d\n  keep: best_of_burst\n  burst_seconds: 1500ms\n  mirrored: true\n");
  ASSERT_THAT(checked.problems, testing::IsEmpty());
  const DedupPolicy& dedup = checked.spec.dedup;
  EXPECT_EQ(dedup.scope, DedupScope::kGroup);
  EXPECT_EQ(dedup.groups.at("cam-2"), "gate");
  EXPECT_EQ(dedup.window_seconds, 30 * 86400.0);
  EXPECT_EQ(dedup.keep, Keep::kBestOfBurst);
  EXPECT_EQ(dedup.burst_seconds, 1.5);
  EXPECT_TRUE(dedup.mirrored);
  EXPECT_FALSE(dedup.rotated);
}

TEST(ParseTest, RefusesGroupsWithoutTheirScopeAndTheScopeWithoutGroups) {
  EXPECT_THAT(ProblemsOf("dedup: {groups: {cam-1: gate}}\n"),
              ElementsAre(HasSubstr("write \"scope: group\"")));
  EXPECT_THAT(ProblemsOf("dedup: {scope: group}\n"), ElementsAre(HasSubstr("no group is there")));
  EXPECT_THAT(ProblemsOf("dedup: {scope: group, groups: {cam-1: \"\"}}\n"),
              ElementsAre(HasSubstr("is empty")));
  EXPECT_THAT(ProblemsOf("dedup: {scope: sources}\n"), ElementsAre(HasSubstr("write source")));
  EXPECT_THAT(ProblemsOf("dedup: {keep: bets}\n"), ElementsAre(HasSubstr("write best")));
}

TEST(ScopeOfTest, TellsApartWhatMustNotMeet) {
  const CollectionId street("street");
  DedupPolicy policy;
  EXPECT_EQ(ScopeOf(policy, street, SourceId("a")), ScopeOf(policy, street, SourceId("b")));
  policy.scope = DedupScope::kSource;
  EXPECT_NE(ScopeOf(policy, street, SourceId("a")), ScopeOf(policy, street, SourceId("b")));
  EXPECT_NE(ScopeOf(policy, street, SourceId("a")),
            ScopeOf(policy, CollectionId("shop"), SourceId("a")));
  policy.scope = DedupScope::kGroup;
  policy.groups = {{"a", "gate"}, {"b", "gate"}};
  EXPECT_EQ(ScopeOf(policy, street, SourceId("a")), ScopeOf(policy, street, SourceId("b")));
  EXPECT_NE(ScopeOf(policy, street, SourceId("a")), ScopeOf(policy, street, SourceId("gate")))
      << "a source is not the group of its name";
}

}  // namespace
}  // namespace winnow::spec
