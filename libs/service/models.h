// Where detector models are.
#pragma once

#include <string>

namespace winnow::service {

// `option` if given, else $WINNOW_MODEL_DIR, else share/winnow/models beside the program's bin
// folder, else build/models of the source tree it was built in.
std::string FindModelDirectory(const std::string& option);

}  // namespace winnow::service
