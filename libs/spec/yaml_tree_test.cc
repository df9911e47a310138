#include "libs/spec/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "libs/spec/utf8.h"

namespace winnow::spec {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

// The one problem of a text that cannot be read.
Problem ProblemOf(const std::string& text) {
  const YamlTree tree = ReadYaml(text);
  EXPECT_THAT(tree.problems, SizeIs(1));
  return tree.problems.empty() ? Problem{} : tree.problems.front();
}

TEST(ReadYamlTest, KeepsWhereEveryValueStands) {
  const YamlTree tree = ReadYaml("a: 1\nb:\n  - x\n  - {c: \"y\"}\n");
  ASSERT_THAT(tree.problems, SizeIs(0));
  ASSERT_EQ(tree.root.kind, Node::Kind::kMap);
  ASSERT_THAT(tree.root.items, SizeIs(4));
  const Node& list = tree.root.items[3];
  ASSERT_THAT(list.items, SizeIs(2));
  EXPECT_EQ(list.items[0].text, "x");
  EXPECT_EQ(list.items[0].mark.line, 3);
  EXPECT_EQ(list.items[0].mark.column, 5);
  EXPECT_EQ(list.items[1].items[1].text, "y");
}

TEST(ReadYamlTest, KeepsRepeatedKeys) {
  EXPECT_THAT(ReadYaml("a: 1\na: 2\n").root.items, SizeIs(4));
}

TEST(ReadYamlTest, TellsNullFromText) {
  const YamlTree tree = ReadYaml("a: null\nb: \"null\"\nc:\n");
  EXPECT_EQ(tree.root.items[1].kind, Node::Kind::kNull);
  EXPECT_EQ(tree.root.items[3].kind, Node::Kind::kScalar);
  EXPECT_EQ(tree.root.items[5].kind, Node::Kind::kNull);
}

TEST(ReadYamlTest, ReadsNothingFromAnEmptyFile) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "\xEF\xBB\xBF"}) {
    const YamlTree tree = ReadYaml(text);
    EXPECT_THAT(tree.problems, SizeIs(0)) << text;
    EXPECT_EQ(tree.root.kind, Node::Kind::kNull) << text;
  }
}

TEST(ReadYamlTest, SkipsAByteOrderMark) {
  EXPECT_EQ(ReadYaml("\xEF\xBB\xBF" "a: 1\n").root.items[0].text, "a");
}

TEST(ReadYamlTest, PlacesASyntaxErrorAndHintsAtItsCause) {
  const Problem problem = ProblemOf("a: 1\nb: c: d\n");
  EXPECT_EQ(problem.line, 2);
  EXPECT_EQ(problem.column, 5);
  EXPECT_THAT(problem.message, HasSubstr("quote text"));
}

TEST(ReadYamlTest, BoundsTheDepthWhateverTheBrackets) {
  for (const char* part : {"[", "{", "- ", "? ", "[{a: ", "- - ", "{a: "}) {
    EXPECT_THAT(ProblemOf(Repeated(part, 100'000)).message, HasSubstr("nested deeper")) << part;
  }
  std::string block;
  for (int i = 0; i < 200; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(ProblemOf(block).message, HasSubstr("nested deeper"));
}

TEST(ReadYamlTest, BoundsSizeAndNumberOfValues) {
  EXPECT_THAT(ProblemOf(std::string(kMaxFileBytes + 1, ' ')).message, HasSubstr("at most"));
  EXPECT_THAT(ProblemOf("[" + Repeated("a,", 150'000) + "]").message, HasSubstr("more than"));
}

TEST(ReadYamlTest, RefusesAliasesSoThatASmallFileStaysSmall) {
  const Problem problem = ProblemOf("a: &x [1, 2]\nb: [*x, *x]\n");
  EXPECT_EQ(problem.line, 2);
  EXPECT_THAT(problem.message, HasSubstr("aliases"));
  EXPECT_THAT(ProblemOf("a: &x {b: 1}\nc:\n  <<: *x\n").message, HasSubstr("aliases"));
}

TEST(ReadYamlTest, RefusesTagsAndSecondDocuments) {
  EXPECT_THAT(ProblemOf("a: !!float 1\n").message, HasSubstr("tags"));
  const Problem second = ProblemOf("a: 1\n---\nb: 2\n");
  EXPECT_EQ(second.line, 2);
  EXPECT_THAT(second.message, HasSubstr("second document"));
}

// yaml-cpp 0.7 reads an unclosed quote to the end of the file and reports nothing.
TEST(ReadYamlTest, RefusesAQuoteThatIsNeverClosed) {
  for (const char* text : {"a: \"x\nb: 1\n", "a: 'x\n  b: it''s\n", "a: \"x\\\"\n", "a: '"}) {
    const Problem problem = ProblemOf(text);
    EXPECT_EQ(problem.line, 1) << text;
    EXPECT_EQ(problem.column, 4) << text;
    EXPECT_THAT(problem.message, HasSubstr("never closed")) << text;
  }
  EXPECT_THAT(ReadYaml("a: 'it''s'\n").problems, SizeIs(0));
  EXPECT_THAT(ReadYaml("a: \"x \\\" y\"").problems, SizeIs(0));
}

TEST(ReadYamlTest, PointsAtTheByteThatIsNotText) {
  const Problem problem = ProblemOf("a: 1\nb: \xFFx\n");
  EXPECT_EQ(problem.line, 2);
  EXPECT_EQ(problem.column, 4);
  EXPECT_THAT(problem.message, HasSubstr("UTF-8"));
  EXPECT_THAT(ProblemOf(std::string("a\0b", 3)).message, HasSubstr("0x00"));
}

TEST(QuotedTest, KeepsMessagesOnOneShortLine) {
  EXPECT_EQ(Quoted("a\nb"), "\"a\\x0ab\"");
  EXPECT_EQ(Quoted(std::string(500, 'x')).size(), 60u + 2 + 3);
}

TEST(QuotedTest, CutsBetweenCharacters) {
  for (int lead = 0; lead < 4; ++lead) {
    const std::string text =
        std::string(static_cast<std::size_t>(lead), 'x') + Repeated("\xF0\x9F\x93\xB7", 30);
    EXPECT_EQ(FirstBadByte(Quoted(text)), std::string::npos) << lead;
  }
}

}  // namespace
}  // namespace winnow::spec
