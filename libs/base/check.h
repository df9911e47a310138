// Broken invariants end the process: it restarts from its last commit.
#pragma once

namespace winnow {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace winnow

#define WINNOW_CHECK(condition)                                          \
  do {                                                                   \
    if (!(condition)) ::winnow::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
