// `winnow forget`: an image that was erased no longer makes others duplicates.
#pragma once

#include <string>

#include "libs/base/result.h"
#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct ForgetOptions {
  // Record id; with `state` also the image's path within the input folder.
  std::string image;
  std::string state;             // directory of a run that is stopped; empty: the services forget
  std::string spec;              // file, that of the run
  ConnectionOptions connection;  // where the services are
};

// Takes the image out of the deduper's state; the dataset stays as it is. The line to tell. kConfig
// if the state is of another spec, in use, or knows no such image.
Result<std::string> ForgetInState(const ForgetOptions& options);

// Orders every deduper to do so, after what was sent to it before. The line to tell. kConfig if there
// are no such topics, kUnavailable if no broker answers.
Result<std::string> OrderToForget(const ForgetOptions& options);

ExitCode ForgetCommand(const ForgetOptions& options);

}  // namespace winnow::cli
