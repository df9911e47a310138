// Manual pages, made of the command line itself.
#pragma once

#include <string>
#include <vector>

#include "libs/service/command_tree.h"
#include "libs/service/config.h"

namespace winnow::service {

// A heading and, below it, things with what is said of each.
struct ManualSection {
  struct Entry {
    std::string title;
    std::string text;
  };
  std::string heading;  // "SETTINGS"
  std::string text;     // before the entries; may be empty
  std::vector<Entry> entries;
};

// What the command line does not say.
struct ManualDetails {
  std::string version;
  std::vector<ManualSection> sections = {};  // between the options and the exit status
  std::vector<std::string> see_also = {};    // "winnow(1)"
};

// A page of section 1 as roff (man macros), for man and mandoc. A footer that begins with
// "Exit codes: " becomes the section of that name. It names no date: equal programs give equal pages.
std::string ManualPage(const Command& command, const ManualDetails& details);

// Every setting of services with default, environment variable and meaning.
ManualSection SettingsSection(ServiceConfig defaults);

// Lets a service's program print its page: --man.
void AddManualFlag(CLI::App& app, const ServiceConfig& defaults);

}  // namespace winnow::service
