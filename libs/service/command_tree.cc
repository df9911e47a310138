#include "libs/service/command_tree.h"

#include <CLI/CLI.hpp>
#include <string_view>

namespace winnow::service {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// CLI11 names the type of an option with choices "TEXT:{bash,fish}", or "TEXT:value in {a->0,b->1}"
// where it turns them into values.
std::vector<std::string> ChoicesIn(const std::string& type) {
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> choices =
      CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
  for (std::string& choice : choices) choice = choice.substr(0, choice.find("->"));
  return choices;
}

Takes TakenBy(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return Takes::kNothing;
  const std::string type = option.get_type_name();
  if (!ChoicesIn(type).empty()) return Takes::kChoice;
  for (const std::string_view number : {"INT", "UINT", "FLOAT"}) {
    if (type.starts_with(number)) return Takes::kNumber;
  }
  const std::string& text = option.get_description();
  if (text.starts_with("Folder")) return Takes::kFolder;
  return Contains(text, "file") || Contains(text, "YAML") ? Takes::kFile : Takes::kText;
}

std::vector<std::string> NamesOf(const CLI::Option& option) {
  if (option.get_positional()) return {option.get_name(true)};
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

CommandOption DescribeOption(const CLI::Option& option) {
  CommandOption described;
  described.names = NamesOf(option);
  described.description = option.get_description();
  described.default_value = option.get_default_str();
  described.variable = option.get_envname();
  described.takes = TakenBy(option);
  described.choices = ChoicesIn(option.get_type_name());
  described.positional = option.get_positional();
  described.required = option.get_required();
  described.repeatable = option.get_items_expected_max() > 1;
  return described;
}

void AddContents(const CLI::App& app, Command& command) {
  for (const CLI::Option* option : app.get_options()) {
    command.options.push_back(DescribeOption(*option));
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name().empty()) {
      AddContents(*child, command);  // an option group
    } else {
      command.commands.push_back(DescribeCommand(*child));
    }
  }
}

void Collect(const Command& command, const std::string& path, std::vector<CommandAt>& all) {
  all.push_back({path, &command});
  for (const Command& child : command.commands) Collect(child, path + " " + child.name, all);
}

}  // namespace

Command DescribeCommand(const CLI::App& app) {
  Command command;
  command.name = app.get_name();
  command.description = app.get_description();
  command.footer = app.get_footer();
  AddContents(app, command);
  return command;
}

std::vector<CommandAt> AllCommands(const Command& root) {
  std::vector<CommandAt> all;
  Collect(root, root.name, all);
  return all;
}

}  // namespace winnow::service
