// `winnow replay`: what was refused is driven again, once.
#include <gmock/gmock.h>

#include "libs/record/codec.h"
#include "tests/tools/deployment.h"

namespace winnow::tools {
namespace {

using kafka::Topic;
using testing::HasSubstr;

class ReplayTest : public DeploymentTest {
 protected:
  void SetUp() override {
    DeploymentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    MakeTopics();
  }
};

TEST_F(ReplayTest, SendsADeadLetterWhereItCameFrom) {
  const kafka::Origin origin = Arrive(1);
  Bury(origin, {Name(Topic::kValid), 0, 17});
  const Ran ran = Winnow({"replay", "dead", "--all"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1 driven again"));
  const auto messages = Read(Topic::kValid);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].key, "some key");
  EXPECT_EQ(messages[0].value, "no record");
  EXPECT_EQ(messages[0].headers.at("winnow-origin"), Format(origin));
  EXPECT_EQ(messages[0].headers.at("winnow-replay"), "1");
  EXPECT_TRUE(messages[0].headers.contains("traceparent"));
  EXPECT_FALSE(messages[0].headers.contains("winnow-dead-reason"));
}

TEST_F(ReplayTest, DrivesNothingTwice) {
  Bury(Arrive(1), {Name(Topic::kValid), 0, 17});
  ASSERT_EQ(Winnow({"replay", "dead", "--all"}).code, 0);
  const Ran again = Winnow({"replay", "dead", "--all"});
  EXPECT_THAT(again.out, HasSubstr("0 driven again"));
  EXPECT_THAT(again.out, HasSubstr("1 were driven again before"));
  EXPECT_EQ(Read(Topic::kValid).size(), 1u);
}

TEST_F(ReplayTest, OnlyListsInADryRun) {
  Bury(Arrive(1), {Name(Topic::kValid), 0, 17});
  const Ran ran = Winnow({"replay", "dead", "--all", "--dry-run"});
  EXPECT_THAT(ran.out, HasSubstr("undecodable at privacy-blurrer"));
  EXPECT_TRUE(Read(Topic::kValid).empty());
}

TEST_F(ReplayTest, TakesOnlyWhatIsAskedFor) {
  Bury(Arrive(1), {Name(Topic::kValid), 0, 17});
  EXPECT_THAT(Winnow({"replay", "dead", "--reason", "too_large"}).out, HasSubstr("0 driven"));
  EXPECT_THAT(Winnow({"replay", "dead", "--stage", "deduper"}).out, HasSubstr("0 driven"));
  EXPECT_TRUE(Read(Topic::kValid).empty());
}

TEST_F(ReplayTest, FetchesARefusedImageFromItsArrival) {
  const kafka::Origin first = Arrive(1);
  const kafka::Origin second = Arrive(2);
  Reject(first, 1);
  Reject(second, 2);
  const Ran ran = Winnow({"replay", "rejected", "--id", RecordOf(2).id.value()});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto messages = Read(Topic::kRaw);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[2].value, messages[1].value);
  EXPECT_EQ(messages[2].key, messages[1].key);
  EXPECT_EQ(messages[2].headers.at("winnow-origin"), Format(second));
  EXPECT_EQ(messages[2].headers.at("winnow-replay"), "1");
  EXPECT_GT(messages[2].time, messages[1].time);
}

TEST_F(ReplayTest, SaysWhichAreGone) {
  Arrive(1);
  Reject({Name(Topic::kRaw), 0, 40}, 2);
  const Ran ran = Winnow({"replay", "rejected", "--reason", "blurry"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1 are gone"));
}

TEST_F(ReplayTest, DrivesNoLetterOfAnotherPipeline) {
  Bury(Arrive(1), {"somebody.elses", 0, 17});
  EXPECT_THAT(Winnow({"replay", "dead", "--all"}).out, HasSubstr("1 are not of this pipeline"));
}

TEST_F(ReplayTest, AsksWhichOnes) { EXPECT_EQ(Winnow({"replay", "rejected"}).code, 2); }

TEST_F(ReplayTest, IsKnownToTheAudit) {
  const kafka::Origin origin = Arrive(1);
  Reject(origin, 1);
  ASSERT_EQ(Winnow({"replay", "rejected", "--all"}).code, 0);
  // The second drive is in flight, then ends otherwise than the first.
  EXPECT_EQ(Winnow({"audit", "--dataset", Path("dataset")}).code, 0);
  auto headers = From(origin);
  headers["winnow-replay"] = "1";
  Produce(Topic::kSelected, "tools/00", record::RecordCodec::Encode(RecordOf(1)), headers);
  CommitAll();
  const Ran sound = Winnow({"audit", "--dataset", Path("dataset")});
  EXPECT_EQ(sound.code, 0) << sound.out;
  Produce(Topic::kSelected, "tools/00", record::RecordCodec::Encode(RecordOf(1)), headers);
  EXPECT_EQ(Winnow({"audit", "--dataset", Path("dataset")}).code, 3);
}

}  // namespace
}  // namespace winnow::tools
