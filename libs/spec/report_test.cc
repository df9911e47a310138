#include "libs/spec/report.h"

#include <gtest/gtest.h>

namespace winnow::spec {
namespace {

TEST(FormatProblemsTest, WritesOneLineAProblemAsCompilersDo) {
  EXPECT_EQ(FormatProblems("a.yaml", {{0, 0, "is empty"}, {3, 14, "no"}}),
            "a.yaml: is empty\na.yaml:3:14: no");
  EXPECT_EQ(FormatProblems("a.yaml", {}), "");
}

}  // namespace
}  // namespace winnow::spec
