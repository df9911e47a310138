// Any text either has problems that can be shown on a terminal or is a spec that describes itself.
#include <cstddef>
#include <cstdint>
#include <string>

#include "libs/base/check.h"
#include "libs/spec/spec.h"
#include "libs/spec/utf8.h"

namespace {

using winnow::spec::CheckedSpec;
using winnow::spec::Problem;

void CheckProblems(const CheckedSpec& checked) {
  WINNOW_CHECK(checked.problems.size() <= 100);
  int last_line = 0;
  for (const Problem& problem : checked.problems) {
    WINNOW_CHECK(!problem.message.empty() && problem.message.size() < 2000);
    WINNOW_CHECK(winnow::spec::FirstBadByte(problem.message) == std::string::npos);
    WINNOW_CHECK(!winnow::spec::HasControlCharacter(problem.message));
    WINNOW_CHECK(problem.line >= last_line);
    last_line = problem.line;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const CheckedSpec checked =
      winnow::spec::Parse(std::string(reinterpret_cast<const char*>(data), size));
  CheckProblems(checked);
  if (!checked.problems.empty()) return 0;
  const CheckedSpec again = winnow::spec::Parse(winnow::spec::Describe(checked.spec));
  WINNOW_CHECK(again.problems.empty());
  WINNOW_CHECK(again.spec.digest == checked.spec.digest);
  return 0;
}
