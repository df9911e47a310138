// Shell completions, made of the command line itself.
#pragma once

#include <string>

#include "libs/service/command_tree.h"

namespace winnow::cli {

enum class Shell { kBash, kZsh, kFish };

// A script for the shell to source, or to find under the command's name where it looks for such:
// commands, options, folders, files and choices, each where it fits. It needs nothing installed.
std::string CompletionScript(const service::Command& root, Shell shell);

}  // namespace winnow::cli
