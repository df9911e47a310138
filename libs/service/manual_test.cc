#include "libs/service/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace winnow::service {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Sample {
  Sample() {
    app.footer("Exit codes: 0 done,\n1 trouble.");
    auto* const feed = app.add_subcommand("feed", "Feed a folder");
    feed->add_option("SPEC", text, "Collection spec, YAML")->required();
    feed->add_option("--input", text, "Folder of images")->required();
    feed->add_option("--brokers", text, "Kafka brokers")->envname("SAMPLE_BROKERS");
    feed->add_option("--speed", number, "Images a second")->capture_default_str();
    feed->add_flag("-q,--quiet")->description("Say nothing");
    auto* const group = feed->add_option_group("which");
    group->add_option("--id", many, "Of this record")->take_all();
    app.add_subcommand("shell", "Speak a shell")
        ->add_option("SHELL", text, "Which")
        ->check(CLI::IsMember({"bash", "zsh"}));
  }
  CLI::App app{"Feeds things", "sample"};
  std::string text;
  std::vector<std::string> many;
  int number = 7;
};

const CommandOption& Find(const Command& command, const std::string& name) {
  for (const CommandOption& option : command.options) {
    if (option.name() == name) return option;
  }
  throw std::out_of_range(name);
}

TEST(CommandTreeTest, ListsCommandsDepthFirst) {
  const Sample sample;
  const Command root = DescribeCommand(sample.app);
  std::vector<std::string> paths;
  for (const CommandAt& at : AllCommands(root)) paths.push_back(at.path);
  EXPECT_THAT(paths, ElementsAre("sample", "sample feed", "sample shell"));
}

TEST(CommandTreeTest, ReadsOffTheHelpTextWhatAnOptionTakes) {
  const Sample sample;
  const Command root = DescribeCommand(sample.app);
  const Command& feed = root.commands.at(0);
  EXPECT_EQ(Find(feed, "SPEC").takes, Takes::kFile);
  EXPECT_EQ(Find(feed, "--input").takes, Takes::kFolder);
  EXPECT_EQ(Find(feed, "--brokers").takes, Takes::kText);
  EXPECT_EQ(Find(feed, "--speed").takes, Takes::kNumber);
  EXPECT_EQ(Find(feed, "--quiet").takes, Takes::kNothing);
  EXPECT_EQ(Find(root.commands.at(1), "SHELL").takes, Takes::kChoice);
  EXPECT_THAT(Find(root.commands.at(1), "SHELL").choices, ElementsAre("bash", "zsh"));
}

TEST(CommandTreeTest, DissolvesOptionGroups) {
  const Sample sample;
  const Command root = DescribeCommand(sample.app);
  EXPECT_TRUE(Find(root.commands.at(0), "--id").repeatable);
  EXPECT_EQ(root.commands.at(0).commands.size(), 0u);
}

TEST(ManualTest, NamesEveryCommandAndOption) {
  const Sample sample;
  const std::string page = ManualPage(DescribeCommand(sample.app), {.version = "1.2"});
  EXPECT_THAT(page, AllOf(HasSubstr(".TH SAMPLE 1 \"\" \"Winnow 1.2\""),
                          HasSubstr("sample \\- Feeds things\n"), HasSubstr(".SS sample feed\n"),
                          HasSubstr("\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\n"),
                          HasSubstr("\\fB\\-\\-input\\fR \\fIFOLDER\\fR\n"),
                          HasSubstr("Default: 7.\n"), HasSubstr("Also from $SAMPLE_BROKERS.\n")));
}

TEST(ManualTest, ShowsWhatACommandCannotDoWithout) {
  const Sample sample;
  const std::string page = ManualPage(DescribeCommand(sample.app), {});
  EXPECT_THAT(page, HasSubstr("\\fBsample feed\\fR \\fISPEC\\fR \\fB\\-\\-input\\fR "
                              "\\fIFOLDER\\fR [\\fIOPTION\\fR ...]\n"));
}

TEST(ManualTest, TurnsTheFooterIntoTheExitStatus) {
  const Sample sample;
  const std::string page = ManualPage(DescribeCommand(sample.app), {});
  EXPECT_THAT(page, HasSubstr(".SH \"EXIT STATUS\"\n0 done, 1 trouble.\n"));
  EXPECT_THAT(page, Not(HasSubstr("Exit codes")));
}

TEST(ManualTest, LetsNoTextBeARoffCommand) {
  const ManualDetails details{"1", {{"NOTES", ".so /etc/passwd \\fB", {}}}, {}};
  const std::string page = ManualPage({.name = "x", .description = "y"}, details);
  EXPECT_THAT(page, HasSubstr("\n\\&.so /etc/passwd \\efB.\n"));
}

TEST(ManualTest, ListsEverySettingWithItsVariable) {
  ServiceConfig defaults;
  defaults.commit.records = 31;
  const std::string page =
      ManualPage({.name = "x", .description = "y"}, {"1", {SettingsSection(defaults)}, {}});
  EXPECT_THAT(page, AllOf(HasSubstr("\\fBkafka.brokers\\fR\n"), HasSubstr("Default: 31."),
                          HasSubstr("$WINNOW_KAFKA__BROKERS")));
}

}  // namespace
}  // namespace winnow::service
