// Problems of a spec as a compiler would print them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/spec/spec.h"

namespace winnow::spec {

// One "path:line:column: message" a problem, in the order given, with line ends between them and
// none at the end; "path: message" where a problem is about the file as a whole. Editors and CI
// systems turn these into links.
std::string FormatProblems(std::string_view path, const std::vector<Problem>& problems);

}  // namespace winnow::spec
