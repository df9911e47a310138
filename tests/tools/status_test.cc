// `winnow status --once`.
#include <gmock/gmock.h>

#include <sstream>

#include "tests/tools/deployment.h"

namespace winnow::tools {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class StatusTest : public DeploymentTest {
 protected:
  void SetUp() override {
    DeploymentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    MakeTopics();
  }
};

TEST_F(StatusTest, TellsWhatWaitsForEachStage) {
  Arrive(1);
  Reject(Arrive(2), 2);
  Defer(Arrive(3), 3);
  const Ran ran = Winnow({"status", "--once"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, ContainsRegex("validator +0 +0/1 +3 +0 +0 +nobody runs it"));
  EXPECT_THAT(ran.out, ContainsRegex("rejected +<= 1"));
  EXPECT_THAT(ran.out, ContainsRegex("in the reserve +1"));
  CommitAll();
  EXPECT_THAT(Winnow({"status", "--once"}).out, ContainsRegex("validator +0 +0/1 +0 +"));
}

TEST_F(StatusTest, NamesServicesThatDoNotAnswer) {
  const Ran ran = Winnow({"status", "--once", "--metrics", "http://127.0.0.1:1"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("no answer from http://127.0.0.1:1"));
}

TEST_F(StatusTest, FailsUnlessEveryStageIsReadyWhereThatIsRequired) {
  const Ran ran = Winnow({"status", "--require-ready", "--metrics", "http://127.0.0.1:1"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("http://127.0.0.1:1 does not answer"));
  EXPECT_THAT(ran.err, HasSubstr("sink was not asked"));
  EXPECT_EQ(Winnow({"status", "--require-ready"}).code, 2);
}

TEST_F(StatusTest, StaysWithinAHundredColumns) {
  std::istringstream lines(Winnow({"status", "--once"}).out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

}  // namespace
}  // namespace winnow::tools
