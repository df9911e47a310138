// `winnow forget`: an image that was erased no longer makes others duplicates.
#pragma once

#include <string>

#include "libs/base/result.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

struct ForgetOptions {
  std::string spec;   // file; that of the run
  std::string image;  // record id, or the image's path within the input folder
  std::string state;  // directory
};

// Takes the image out of the deduper's state; the dataset stays as it is. The line to tell. kConfig
// if the state is of another spec, in use, or knows no such image.
Result<std::string> Forget(const ForgetOptions& options);

ExitCode ForgetCommand(const ForgetOptions& options);

}  // namespace winnow::cli
