// `winnow completion` and `winnow man`.
#pragma once

#include "services/winnow/exit_code.h"

namespace CLI {
class App;
}

namespace winnow::cli {

// Adds both to `app`. What they print is read off `app` when they run, whatever was added later.
// Both arguments must outlive the parsing.
void AddManualCommands(CLI::App& app, ExitCode& result);

}  // namespace winnow::cli
