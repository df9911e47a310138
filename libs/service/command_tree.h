// What a program's command line offers, as a value: manual pages and shell completions are made of
// it, so that they cannot say anything else than the program does.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace winnow::service {

enum class Takes { kNothing, kFolder, kFile, kChoice, kNumber, kText };

struct CommandOption {
  std::vector<std::string> names;  // "-h" and "--help"; of a positional one only "SPEC"
  std::string description;
  std::string default_value;  // empty: none is told
  std::string variable;       // of the environment, used where the option is not given; or empty
  Takes takes = Takes::kNothing;
  std::vector<std::string> choices;  // of kChoice
  bool positional = false;
  bool required = false;
  bool repeatable = false;

  // "--help": the last of its names.
  const std::string& name() const { return names.back(); }
};

struct Command {
  std::string name;  // "apply"
  std::string description;
  std::string footer = {};
  std::vector<CommandOption> options = {};  // in the order of the help text, groups dissolved
  std::vector<Command> commands = {};
};

// CLI11 knows no more than that a value is text. What it is is read off the help text: of a folder
// it begins with "Folder", of a file it names a "file" or "YAML".
Command DescribeCommand(const CLI::App& app);

// "winnow topics apply" for each command below and including `root`, with the command, depth first.
struct CommandAt {
  std::string path;
  const Command* command = nullptr;
};
std::vector<CommandAt> AllCommands(const Command& root);

}  // namespace winnow::service
