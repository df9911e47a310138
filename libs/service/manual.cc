#include "libs/service/manual.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <string_view>

#include "libs/service/config_keys.h"

namespace winnow::service {
namespace {

constexpr std::string_view kExitCodes = "Exit codes: ";

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// Text as roff reads it: nothing in it is a command. A hyphen is that of an option or a program
// name, to be found and copied as it stands.
std::string Roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c == '\n' ? ' ' : c;
    }
  }
  return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

// A sentence has a line of its own, as roff wants it.
std::string Paragraph(std::string text) {
  if (text.empty()) return text;
  if (text.back() != '.' && text.back() != ':') text += '.';
  return Roff(text) + "\n";
}

std::string Placeholder(const CommandOption& option) {
  switch (option.takes) {
    case Takes::kNothing: return "";
    case Takes::kFolder: return "FOLDER";
    case Takes::kFile: return "FILE";
    case Takes::kChoice: return fmt::format("{}", fmt::join(option.choices, "|"));
    case Takes::kNumber: return "NUMBER";
    case Takes::kText: return "VALUE";
  }
  return "";
}

// "\fB\-\-input\fR \fIFOLDER\fR"
std::string Tag(const CommandOption& option) {
  if (option.positional) return fmt::format("\\fI{}\\fR", Roff(option.name()));
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + Roff(name) + "\\fR");
  std::string tag = fmt::format("{}", fmt::join(names, ", "));
  const std::string value = Placeholder(option);
  if (!value.empty()) tag += " \\fI" + Roff(value) + "\\fR";
  return tag;
}

std::string Remarks(const CommandOption& option) {
  std::string remarks;
  if (option.required) remarks += "Required.\n";
  if (option.takes == Takes::kChoice) remarks += Paragraph("One of " + Placeholder(option));
  if (!option.default_value.empty()) remarks += Paragraph("Default: " + option.default_value);
  if (!option.variable.empty()) remarks += Paragraph("Also from $" + option.variable);
  return remarks;
}

std::string OptionEntry(const CommandOption& option) {
  return fmt::format(".TP\n{}\n{}{}", Tag(option), Paragraph(option.description), Remarks(option));
}

std::string OptionEntries(const Command& command) {
  std::string text;
  for (const CommandOption& option : command.options) text += OptionEntry(option);
  return text;
}

// "\fBwinnow topics apply\fR \fIFILE\fR \fB\-\-brokers\fR \fIVALUE\fR [\fIOPTION\fR ...]"
std::string Usage(const CommandAt& at) {
  std::string usage = "\\fB" + Roff(at.path) + "\\fR";
  bool others = false;
  for (const CommandOption& option : at.command->options) {
    if (option.required) {
      usage += " " + Tag(option);
    } else {
      others = true;
    }
  }
  if (others) usage += " [\\fIOPTION\\fR ...]";
  if (!at.command->commands.empty()) usage += " \\fICOMMAND\\fR";
  return usage + "\n";
}

std::string Commands(const Command& root) {
  std::string text;
  for (const CommandAt& at : AllCommands(root)) {
    if (at.command == &root) continue;
    text += fmt::format(".SS {}\n{}.PP\n{}{}", Roff(at.path), Paragraph(at.command->description),
                        Usage(at), OptionEntries(*at.command));
  }
  return text.empty() ? text : ".SH COMMANDS\n" + text;
}

std::string Variables(const Command& root) {
  std::map<std::string, std::string> variables;
  for (const CommandAt& at : AllCommands(root)) {
    for (const CommandOption& option : at.command->options) {
      if (!option.variable.empty()) variables.emplace(option.variable, option.description);
    }
  }
  std::string text;
  for (const auto& [name, description] : variables) {
    text += fmt::format(".TP\n\\fB{}\\fR\n{}", Roff(name), Paragraph(description));
  }
  return text.empty() ? text : ".SH ENVIRONMENT\n" + text;
}

std::string Section(const ManualSection& section) {
  std::string text = fmt::format(".SH {}\n{}", Roff(section.heading), Paragraph(section.text));
  for (const ManualSection::Entry& entry : section.entries) {
    text += fmt::format(".TP\n\\fB{}\\fR\n{}", Roff(entry.title), Paragraph(entry.text));
  }
  return text;
}

std::string Footer(const std::string& footer) {
  if (footer.empty()) return "";
  if (!footer.starts_with(kExitCodes)) return ".SH NOTES\n" + Paragraph(footer);
  return ".SH \"EXIT STATUS\"\n" + Paragraph(footer.substr(kExitCodes.size()));
}

std::string SeeAlso(const std::vector<std::string>& pages) {
  if (pages.empty()) return "";
  return fmt::format(".SH \"SEE ALSO\"\n{}\n", Roff(fmt::format("{}", fmt::join(pages, ", "))));
}

std::string SettingText(const Key& key, ServiceConfig& defaults) {
  const std::string_view unit = NameOf(key.unit);
  return fmt::format("{}{}. Used by: {}. Default: {}. Also from ${}", key.meaning,
                     unit.empty() ? "" : fmt::format(" ({})", unit), NameOf(key.used_by),
                     FormatValue(key, defaults), key.variable());
}

}  // namespace

std::string ManualPage(const Command& command, const ManualDetails& details) {
  std::string page = fmt::format(".TH {} 1 \"\" \"Winnow {}\" \"Winnow\"\n",
                                 Roff(Upper(command.name)), Roff(details.version));
  page += fmt::format(".SH NAME\n{} \\- {}\n", Roff(command.name), Roff(command.description));
  page += ".SH SYNOPSIS\n" + Usage({command.name, &command});
  page += ".SH OPTIONS\n" + OptionEntries(command);
  page += Commands(command) + Variables(command);
  for (const ManualSection& section : details.sections) page += Section(section);
  return page + Footer(command.footer) + SeeAlso(details.see_also);
}

ManualSection SettingsSection(ServiceConfig defaults) {
  ManualSection section{"SETTINGS",
                        "Of the file given with --config, YAML; a dot stands for a level of "
                        "indentation. The environment comes on top of the file",
                        {}};
  for (const Key& key : ConfigKeys()) {
    section.entries.push_back({std::string(key.path), SettingText(key, defaults)});
  }
  return section;
}

void AddManualFlag(CLI::App& app, const ServiceConfig& defaults) {
  app.add_flag_callback(
      "--man",
      [&app, &defaults] {
        const ManualDetails details{WINNOW_VERSION, {SettingsSection(defaults)}, {"winnow(1)"}};
        fmt::print("{}", ManualPage(DescribeCommand(app), details));
        throw CLI::Success();
      },
      "Print the manual page as roff, then exit");
}

}  // namespace winnow::service
