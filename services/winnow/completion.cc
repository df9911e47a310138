#include "services/winnow/completion.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace winnow::cli {
namespace {

using service::AllCommands;
using service::Command;
using service::CommandAt;
using service::CommandOption;
using service::Takes;

// What the scripts call what comes next.
std::string_view KindOf(Takes takes) {
  switch (takes) {
    case Takes::kNothing: return "";
    case Takes::kFolder: return "folder";
    case Takes::kFile: return "file";
    case Takes::kChoice: return "choice";
    case Takes::kNumber:
    case Takes::kText: return "text";
  }
  return "";
}

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

// Within single quotes of a POSIX shell and of zsh.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::vector<std::string> Subcommands(const Command& root) {
  std::vector<std::string> paths;
  for (const CommandAt& at : AllCommands(root)) {
    if (at.command != &root) paths.push_back(Quoted(at.path));
  }
  return paths;
}

// "'--input:Folder of images'" for zsh, which reads a colon as the end of the word.
std::string Described(std::string_view word, const std::string& description) {
  std::string text;
  for (const char c : description) text += c == ':' ? "\\:" : std::string(1, c);
  return Quoted(fmt::format("{}:{}", word, text));
}

std::string OptionWords(const Command& command, Shell shell) {
  std::vector<std::string> words;
  for (const CommandOption& option : command.options) {
    if (option.positional) continue;
    for (const std::string& name : option.names) {
      words.push_back(shell == Shell::kZsh ? Described(name, option.description) : name);
    }
  }
  return Joined(words, " ");
}

std::string CommandWords(const Command& command, Shell shell) {
  std::vector<std::string> words;
  for (const Command& child : command.commands) {
    words.push_back(shell == Shell::kZsh ? Described(child.name, child.description) : child.name);
  }
  return Joined(words, " ");
}

// A list of words as the shell assigns it to a variable: text in bash, an array in zsh.
std::string Assigned(std::string_view variable, const std::string& words, Shell shell) {
  if (shell == Shell::kZsh) return fmt::format("{}=({})", variable, words);
  return fmt::format("{}='{}'", variable, words);
}

// What stands where no option does: a command, or the first positional argument for all of them.
std::string BareWord(const Command& command, Shell shell) {
  if (!command.commands.empty()) {
    return "      kind=command " + Assigned("commands", CommandWords(command, shell), shell) + "\n";
  }
  for (const CommandOption& option : command.options) {
    if (!option.positional) continue;
    std::string text = fmt::format("      kind={}", KindOf(option.takes));
    if (option.takes == Takes::kChoice) {
      text += " " + Assigned("choices", Joined(option.choices, " "), shell);
    }
    return text + "\n";
  }
  return "";
}

std::string ValueCases(const Command& command, Shell shell) {
  std::string cases;
  for (const CommandOption& option : command.options) {
    if (option.positional || option.takes == Takes::kNothing) continue;
    cases += fmt::format("        {}) value={}", Joined(option.names, " | "), KindOf(option.takes));
    if (option.takes == Takes::kChoice) {
      cases += " " + Assigned("choices", Joined(option.choices, " "), shell);
    }
    cases += " ;;\n";
  }
  if (cases.empty()) return "";
  return fmt::format("      case $previous in\n{}      esac\n", cases);
}

// The part that bash and zsh read alike: from the words so far to `kind` and its candidates.
std::string Grammar(const Command& root, Shell shell) {
  std::string text = fmt::format("    case \"$at ${{words[index]}}\" in\n      {}) at+=\" "
                                 "${{words[index]}}\" ;;\n    esac\n  done\n  case $at in\n",
                                 Joined(Subcommands(root), " | "));
  for (const CommandAt& at : AllCommands(root)) {
    text += fmt::format(
        "    {})\n      {}\n{}{}      ;;\n", Quoted(at.path),
        Assigned("options", OptionWords(*at.command, shell), shell),
        BareWord(*at.command, shell), ValueCases(*at.command, shell));
  }
  return text + "  esac\n"
                "  if [[ -n $value ]]; then\n"
                "    kind=$value\n"
                "  elif [[ $current == -* ]]; then\n"
                "    kind=option\n"
                "  fi\n";
}

constexpr std::string_view kBashBegin = R"(# bash completion for {0}, as `{0} completion bash` prints it.
_{0}() {{
  local words=("${{COMP_WORDS[@]}}") at={0} index kind='' value=''
  local commands='' options='' choices=''
  local current=${{words[COMP_CWORD]}} previous=${{words[COMP_CWORD - 1]}}
  # --input=FOLDER arrives as three words.
  if [[ $previous == = ]]; then previous=${{words[COMP_CWORD - 2]}}; fi
  if [[ $current == = ]]; then current=''; fi
  for ((index = 1; index < COMP_CWORD; ++index)); do
)";
constexpr std::string_view kBashEnd = R"(  COMPREPLY=()
  case $kind in
    folder | file) compopt -o filenames 2>/dev/null ;;
  esac
  case $kind in
    folder) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    file) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    command) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
    option) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
    choice) mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current") ;;
  esac
}}
complete -F _{0} {0}
)";

constexpr std::string_view kZshBegin = R"(#compdef {0}
# zsh completion for {0}, as `{0} completion zsh` prints it.
_{0}() {{
  local at={0} index kind='' value=''
  local -a commands options choices
  local current=${{words[CURRENT]}} previous=${{words[CURRENT - 1]}}
  if [[ $current == --*=* ]]; then
    previous=${{current%%=*}}
    compset -P '*='
  fi
  for ((index = 2; index < CURRENT; ++index)); do
)";
constexpr std::string_view kZshEnd = R"(  case $kind in
    folder) _files -/ ;;
    file) _files ;;
    command) _describe command commands ;;
    option) _describe -o option options ;;
    choice) _describe value choices ;;
  esac
}}
# Found by compinit the file is the function's body; sourced, it is not.
if [[ ${{funcstack[1]}} == _{0} ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)";

constexpr std::string_view kFishBegin = R"(# fish completion for {0}, as `{0} completion fish` prints it.
function __{0}_at --argument-names wanted
    set -l at {0}
    for word in (commandline -opc)[2..-1]
        if contains -- "$at $word" {1}
            set at "$at $word"
        end
    end
    test "$at" = "$wanted"
end
complete -c {0} -f
)";

// Within single quotes of fish.
std::string FishQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishCandidates(const CommandOption& option) {
  switch (option.takes) {
    case Takes::kNothing: return "";
    case Takes::kFolder: return " -a '(__fish_complete_directories)'";
    case Takes::kFile: return " -F";
    case Takes::kChoice: return " -a " + FishQuoted(Joined(option.choices, " "));
    case Takes::kNumber:
    case Takes::kText: return "";
  }
  return "";
}

std::string FishOption(const std::string& begin, const CommandOption& option) {
  if (option.positional) return begin + FishCandidates(option) + "\n";
  std::string line = begin;
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.takes != Takes::kNothing) {
    line += (option.takes == Takes::kFile ? " -r" : " -x") + FishCandidates(option);
  }
  return line + " -d " + FishQuoted(option.description) + "\n";
}

std::string FishScript(const Command& root) {
  std::string text = fmt::format(kFishBegin, root.name, Joined(Subcommands(root), " "));
  for (const CommandAt& at : AllCommands(root)) {
    const std::string begin =
        fmt::format("complete -c {} -n {}", root.name,
                    FishQuoted(fmt::format("__{}_at \"{}\"", root.name, at.path)));
    for (const Command& child : at.command->commands) {
      text += fmt::format("{} -a {} -d {}\n", begin, child.name, FishQuoted(child.description));
    }
    for (const CommandOption& option : at.command->options) text += FishOption(begin, option);
  }
  return text;
}

}  // namespace

std::string CompletionScript(const Command& root, Shell shell) {
  switch (shell) {
    case Shell::kBash:
      return fmt::format(kBashBegin, root.name) + Grammar(root, shell) +
             fmt::format(kBashEnd, root.name);
    case Shell::kZsh:
      return fmt::format(kZshBegin, root.name) + Grammar(root, shell) +
             fmt::format(kZshEnd, root.name);
    case Shell::kFish: return FishScript(root);
  }
  return "";
}

}  // namespace winnow::cli
