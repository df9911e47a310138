// `winnow forget`: every deduper is told that an image was erased.
#include <gmock/gmock.h>

#include "libs/record/codec.h"
#include "tests/tools/deployment.h"

namespace winnow::tools {
namespace {

using kafka::Topic;
using testing::HasSubstr;

class ForgetTest : public DeploymentTest {};

TEST_F(ForgetTest, WritesAnOrderIntoEachPartition) {
  MakeTopics(3);
  const Ran ran = Winnow({"forget", "0123456789abcdef0123456789abcdef"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("ordered on 3 partitions of " + Name(Topic::kSafe)));
  const auto orders = Read(Topic::kSafe);
  ASSERT_EQ(orders.size(), 3u);
  for (int partition = 0; partition < 3; ++partition) {
    const Kept& order = orders[static_cast<std::size_t>(partition)];
    EXPECT_EQ(order.partition, partition);
    EXPECT_EQ(order.value, "");
    EXPECT_EQ(order.headers.at("winnow-forget"), "0123456789abcdef0123456789abcdef");
  }
}

TEST_F(ForgetTest, SaysThatThereAreNoSuchTopics) {
  const Ran ran = Winnow({"forget", "0123456789abcdef0123456789abcdef"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr(Name(Topic::kSafe)));
}

TEST_F(ForgetTest, AsksWhere) {
  const Ran ran = Run({"forget", "0123456789abcdef0123456789abcdef"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--brokers"));
}

}  // namespace
}  // namespace winnow::tools
