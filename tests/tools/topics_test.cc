// `winnow topics`: what is missing is made, what differs is named.
#include <gmock/gmock.h>

#include "tests/tools/deployment.h"

namespace winnow::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

class TopicsCommandTest : public DeploymentTest {
 protected:
  Ran Topics(const std::string& what, std::vector<std::string> more = {"--replication", "1"}) {
    more.insert(more.begin(), {"topics", what, WINNOW_TOPICS});
    return Winnow(more);
  }
};

TEST_F(TopicsCommandTest, MakesWhatIsMissing) {
  EXPECT_EQ(Topics("check").code, 3);
  const Ran made = Topics("apply");
  EXPECT_EQ(made.code, 0) << made.out << made.err;
  EXPECT_THAT(made.out, HasSubstr(prefix_ + "images.raw: created with 12 partitions"));
  EXPECT_THAT(made.out, HasSubstr(prefix_ + "balancer.changelog: created"));
  const Ran again = Topics("apply");
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.out, Not(HasSubstr("created")));
  EXPECT_EQ(Topics("check").code, 0);
}

TEST_F(TopicsCommandTest, NamesEveryDifference) {
  ASSERT_EQ(Topics("apply", {"--replication", "1", "--partitions", "2"}).code, 0);
  const Ran ran = Topics("apply");
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.out, HasSubstr("images.raw: has 2 partitions, declared are 12"));
  EXPECT_THAT(ran.out, HasSubstr("deduper.changelog: has 2 partitions, declared are 6"));
  // Nothing was changed.
  EXPECT_EQ(Topics("check", {"--replication", "1", "--partitions", "2"}).code, 0);
}

TEST_F(TopicsCommandTest, NamesSettingsThatDiffer) {
  MakeTopics();  // with a retention of its own
  const Ran ran = Topics("check", {"--replication", "1", "--partitions", "1"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.out, HasSubstr("images.raw: has retention.ms=-1, declared is 259200000"));
  EXPECT_THAT(ran.out, Not(HasSubstr("images.deferred: has retention.ms")));
}

TEST_F(TopicsCommandTest, SaysWhatSmallClustersNeed) {
  const Ran ran = Topics("apply", {});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--replication"));
}

TEST_F(TopicsCommandTest, TakesNoSettingThatDeliveryRestsOn) {
  const Ran ran = Topics("check", {"--property", "acks=0"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("acks"));
}

TEST_F(TopicsCommandTest, SaysThatNoBrokerAnswers) {
  const Ran ran = Run({"topics", "check", WINNOW_TOPICS, "--brokers", "127.0.0.1:1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace winnow::tools
