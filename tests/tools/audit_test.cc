// `winnow audit` on pipelines that are sound, and on ones that are not.
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "libs/record/codec.h"
#include "tests/tools/deployment.h"
#include "tests/tools/transactional_writer.h"

namespace winnow::tools {
namespace {

using kafka::Topic;
using testing::HasSubstr;

constexpr int kSound = 0;
constexpr int kBroken = 3;

class AuditTest : public DeploymentTest {
 protected:
  void SetUp() override {
    DeploymentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    MakeTopics();
  }

  // The report; its exit code must be `code`.
  nlohmann::json Audit(int code, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"audit", "--dataset", Path("dataset"), "--json",
                                         Path("audit.json"), "--patience", "0.3"});
    const Ran ran = Winnow(arguments);
    EXPECT_EQ(ran.code, code) << ran.out << ran.err;
    std::ifstream file(Path("audit.json"));
    return nlohmann::json::parse(file, nullptr, false);
  }

  static std::vector<std::string> Rules(const nlohmann::json& report) {
    std::vector<std::string> rules;
    for (const auto& violation : report["violations"]) rules.push_back(violation["rule"]);
    return rules;
  }
};

TEST_F(AuditTest, FindsEveryKindOfOutcome) {
  Reject(Arrive(1), 1);
  Review(Arrive(2), 2);
  Defer(Arrive(3), 3);
  const kafka::Origin unreadable = Arrive(4);
  Bury(unreadable, {Name(Topic::kValid), 0, 17});
  Select(Arrive(5), 5);
  // The same image once more: stored once.
  Select(Arrive(5), 5);
  Store();
  CommitAll();
  Arrive(6);
  const auto report = Audit(kSound);
  const auto& figures = report["figures"];
  EXPECT_EQ(Rules(report), std::vector<std::string>());
  EXPECT_EQ(figures["arrivals"], 7);
  EXPECT_EQ(figures["ids"], 6);
  EXPECT_EQ(figures["stored"], 2);
  EXPECT_EQ(figures["stored_ids"], 1);
  EXPECT_EQ(figures["rejected"], 1);
  EXPECT_EQ(figures["reasons"]["blurry"], 1);
  EXPECT_EQ(figures["review"], 1);
  EXPECT_EQ(figures["deferred"], 1);
  EXPECT_EQ(figures["dead"], 1);
  EXPECT_EQ(figures["in_flight"], 1);
  EXPECT_EQ(figures["waiting"]["validator"], 1);
  EXPECT_EQ(figures["missing"], 0);
}

TEST_F(AuditTest, CountsWhatIsOnItsWayWhereItIs) {
  const kafka::Origin valid = Arrive(1);
  Select(Arrive(2), 2);
  CommitAll();
  const auto& record = RecordOf(1);
  Produce(Topic::kValid, record.id.value(), "", From(valid));
  const auto report = Audit(kSound);
  EXPECT_EQ(report["figures"]["waiting"]["privacy-blurrer"], 1);
  EXPECT_EQ(report["figures"]["waiting"]["sink"], 1);
  EXPECT_EQ(report["in_flight"], 2);
}

TEST_F(AuditTest, FindsAnArrivalWithoutOutcome) {
  Reject(Arrive(1), 1);
  const kafka::Origin lost = Arrive(2);
  CommitAll();
  const auto report = Audit(kBroken);
  EXPECT_EQ(Rules(report),
            std::vector<std::string>{"an arrival has an outcome or is in flight"});
  EXPECT_THAT(std::string(report["violations"][0]["examples"][0]), HasSubstr(Format(lost)));
  EXPECT_EQ(report["figures"]["missing"], 1);
}

TEST_F(AuditTest, FindsAnArrivalWithTwoOutcomes) {
  const kafka::Origin origin = Arrive(1);
  Reject(origin, 1);
  Reject(origin, 1);
  CommitAll();
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"an arrival has one outcome"});
}

TEST_F(AuditTest, FindsAnImageWithTwoKindsOfOutcome) {
  Reject(Arrive(1), 1);
  Defer(Arrive(1), 1);
  CommitAll();
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"an id has one kind of outcome"});
}

TEST_F(AuditTest, FindsASelectedImageThatTheSinkPassedOver) {
  Select(Arrive(1), 1);
  const kafka::Origin lost = Arrive(2);
  Produce(Topic::kSelected, "tools/00", record::RecordCodec::Encode(RecordOf(2)), From(lost));
  CommitAll();
  EXPECT_EQ(Audit(kSound)["figures"]["waiting"]["sink"], 2);
  // Publishes the first, and says that nothing is left below offset 2.
  StoreUntil(2);
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"what was selected is stored"});
}

TEST_F(AuditTest, TakesAnOrderToForgetForNoImage) {
  Reject(Arrive(1), 1);
  CommitAll();
  ASSERT_EQ(Winnow({"forget", "0123456789abcdef0123456789abcdef"}).code, 0);
  EXPECT_EQ(Audit(kSound)["figures"]["waiting"]["deduper"], 0);
}

TEST_F(AuditTest, FindsAnOutcomeOfNothing) {
  Arrive(1);
  // Beyond every partition of images.raw.
  Reject({Name(Topic::kRaw), 7, 0}, 1);
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"an outcome has an arrival"});
}

TEST_F(AuditTest, FindsATransactionLeftOpen) {
  TransactionalWriter left(client_, prefix_ + "left-behind", Name(Topic::kValid));
  left.Begin(1);
  const auto report = Audit(kBroken);
  EXPECT_EQ(Rules(report), std::vector<std::string>{"no transaction is left open"});
  EXPECT_EQ(report["figures"]["open_transactions"], 1);
}

TEST_F(AuditTest, DoesNotCountWhatWasAborted) {
  const kafka::Origin origin = Arrive(1);
  Reject(origin, 1);
  CommitAll();
  TransactionalWriter writer(client_, prefix_ + "aborted", Name(Topic::kRejected));
  writer.Begin(1);
  writer.Abort();
  const auto report = Audit(kSound);
  EXPECT_EQ(report["figures"]["rejected"], 1);
}

TEST_F(AuditTest, FindsWhatIsLeftInStaging) {
  Reject(Arrive(1), 1);
  CommitAll();
  WriteFile("dataset/.winnow/staging/tools-train-p000-000000000000.tar.w", "half a shard");
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"nothing is left in staging"});
}

TEST_F(AuditTest, FindsAPublishedShardThatIsGone) {
  Select(Arrive(1), 1);
  Store();
  CommitAll();
  Audit(kSound);
  ASSERT_EQ(std::remove(Path("dataset/shards/tools-train-p000-000000000000.tar").c_str()), 0);
  EXPECT_EQ(Rules(Audit(kBroken)), std::vector<std::string>{"published shards are there"});
}

TEST_F(AuditTest, SaysThatTheWaitWasInVain) {
  Arrive(1);
  const auto report = Audit(kBroken, {"--wait", "1"});
  EXPECT_EQ(Rules(report), std::vector<std::string>());
  EXPECT_EQ(report["in_flight"], 1);
}

TEST_F(AuditTest, SaysWhichTopicIsMissing) {
  prefix_ += "nowhere.";
  const Ran ran = Winnow({"audit", "--dataset", Path("dataset")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr(Name(Topic::kDeferred)));
}

}  // namespace
}  // namespace winnow::tools
