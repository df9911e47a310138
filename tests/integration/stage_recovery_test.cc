// What becomes of messages and state when something dies, is taken away or is not what it was.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "libs/kafka/client.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/partition_state.h"
#include "libs/kafka/state_digest.h"
#include "tests/integration/stage_test.h"

namespace winnow::integration {
namespace {

using kafka::CrashPoint;
using kafka::Topic;
using testing::Each;
using testing::HasSubstr;
using testing::Pair;

class StageRecoveryTest : public StageTest {
 protected:
  void SendNumbered(Topic topic, int begin, int end) {
    for (int i = begin; i < end; ++i) Send(topic, RecordOf("r" + std::to_string(i)));
    Flush();
  }

  // Every partition numbers its records without gap or repetition, and all are there.
  void ExpectCountedOnce(std::size_t records) {
    std::map<int, std::uint64_t> next;
    const auto unique = Read(Topic::kUnique);
    EXPECT_EQ(unique.size(), records);
    for (const Message& message : unique) {
      EXPECT_EQ(message.record().attributes.at("number"), std::to_string(next[0]++));
    }
    EXPECT_THAT(OutcomesByOrigin(Topic::kUnique), Each(Pair(testing::_, 1)));
  }

  kafka::StateDigest Digest() {
    auto digest = kafka::DigestState(StateDirectory(kCounter));
    EXPECT_TRUE(digest) << digest.error().message;
    return digest ? *digest : kafka::StateDigest();
  }

  // Runs the counter until it has seen all there is.
  std::uint64_t CatchUp(std::uint64_t records) {
    RunningStage stage(Options(kCounter));
    EXPECT_TRUE(Eventually([&] {
      return stage.observer.received() == records &&
             stage.observer.lags() == std::map<int, std::uint64_t>{{0, 0}};
    }));
    EXPECT_TRUE(stage.Stop());
    return stage.observer.restored();
  }
};

void ExpectEqual(const kafka::StateDigest& a, const kafka::StateDigest& b) {
  ASSERT_EQ(a.partitions.size(), b.partitions.size());
  for (std::size_t i = 0; i < a.partitions.size(); ++i) {
    EXPECT_EQ(a.partitions[i].partition, b.partitions[i].partition);
    EXPECT_EQ(a.partitions[i].input_offset, b.partitions[i].input_offset);
    EXPECT_EQ(a.partitions[i].entries, b.partitions[i].entries);
    EXPECT_EQ(ToHex(a.partitions[i].sha256), ToHex(b.partitions[i].sha256));
  }
}

// ---- crashes -------------------------------------------------------------------------------

class StageCrashTest : public StageRecoveryTest,
                       public testing::WithParamInterface<std::tuple<CrashPoint, int>> {};

TEST_P(StageCrashTest, CountsEveryRecordOnceWhereverItDies) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 200);
  const auto [point, pass] = GetParam();
  auto arguments = ChildArguments(kCounter);
  arguments.push_back(std::to_string(static_cast<int>(point)));
  arguments.push_back(std::to_string(pass));
  ChildStage child(arguments);
  ASSERT_EQ(child.Await(), 42) << "it dies where it should";

  const bool committed = point == CrashPoint::kAfterCommit || point == CrashPoint::kAfterStateWrite;
  const int batches = committed ? pass : pass - 1;
  EXPECT_EQ(Read(Topic::kUnique).size(), static_cast<std::size_t>(batches) * 25)
      << "nothing of an unfinished transaction is visible";
  CatchUp(200 - static_cast<std::uint64_t>(batches) * 25);
  ExpectCountedOnce(200);

  const kafka::StateDigest survivor = Digest();
  EXPECT_EQ(survivor.partitions.at(0).entries, 201u);
  std::filesystem::remove_all(StateDirectory(kCounter));
  CatchUp(0);
  ExpectEqual(Digest(), survivor);
}

std::string CrashName(const testing::TestParamInfo<std::tuple<CrashPoint, int>>& crash) {
  static const char* const kNames[] = {"BeforeProduce", "BeforeSendOffsets", "BeforeCommit",
                                       "AfterCommit", "AfterStateWrite"};
  return std::string(kNames[static_cast<int>(std::get<0>(crash.param))]) +
         (std::get<1>(crash.param) == 1 ? "AtFirst" : "Later");
}

INSTANTIATE_TEST_SUITE_P(
    AllPoints, StageCrashTest,
    testing::Combine(testing::Values(CrashPoint::kBeforeProduce, CrashPoint::kBeforeSendOffsets,
                                     CrashPoint::kBeforeCommit, CrashPoint::kAfterCommit,
                                     CrashPoint::kAfterStateWrite),
                     testing::Values(1, 4)),
    CrashName);

TEST_F(StageRecoveryTest, SurvivesBeingKilledAtAnyMoment) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 2000);
  for (int kill = 0; kill < 4; ++kill) {
    ChildStage child(ChildArguments(kCounter));
    const std::size_t before = Read(Topic::kUnique).size();
    ASSERT_TRUE(Eventually([&] { return Read(Topic::kUnique).size() > before; }));
    child.Signal(SIGKILL);
    child.Await();
  }
  const std::size_t done = Read(Topic::kUnique).size();
  CatchUp(2000 - done);
  ExpectCountedOnce(2000);
}

// ---- state ---------------------------------------------------------------------------------

TEST_F(StageRecoveryTest, ReadsOnlyTheChangelogEntriesItsStateLacks) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 100);
  CatchUp(100);
  const std::uint64_t nothing = CatchUp(0);
  EXPECT_LE(nothing, 1u) << "at most the marker of the last transaction";
  std::filesystem::remove_all(StateDirectory(kCounter));
  EXPECT_GE(CatchUp(0), 100u);
}

TEST_F(StageRecoveryTest, AnswersAResendFromRestoredState) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 50);
  CatchUp(50);
  std::filesystem::remove_all(StateDirectory(kCounter));
  SendNumbered(Topic::kSafe, 0, 50);
  CatchUp(50);
  EXPECT_EQ(Read(Topic::kUnique).size(), 50u);
  EXPECT_EQ(Read(Topic::kRejected).size(), 50u);
}

TEST_F(StageRecoveryTest, SettlesAfterARestartWhatItDeferredBefore) {
  MakeTopics(1);
  Send(Topic::kSafe, RecordOf("d", "defer"), {{"winnow-origin", "images.raw/0/7"}});
  Flush();
  {
    RunningStage stage(Options(kKeeper));
    ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  }
  std::filesystem::remove_all(StateDirectory(kKeeper));
  Send(Topic::kSafe, RecordOf("a", "drop"));
  Flush();
  RunningStage stage(Options(kKeeper));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  ASSERT_TRUE(stage.Stop());
  const auto rejected = Read(Topic::kRejected);
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].header(kafka::kOriginHeader), "images.raw/0/7");
  EXPECT_FALSE(Read(Topic::kDeferred).back().value);
}

TEST_F(StageRecoveryTest, RefusesTheStateOfAnotherStage) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 5);
  CatchUp(5);
  auto options = Options(kKeeper);
  options.state_directory = StateDirectory(kCounter);
  RunningStage stage(options);
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCorruptState);
  EXPECT_THAT(ended.error().message, HasSubstr("rebuilt from the changelog"));
}

TEST_F(StageRecoveryTest, RefusesTheStateOfAnotherPipeline) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 5);
  CatchUp(5);
  prefix_ += "other.";
  MakeTopics(1);
  RunningStage stage(Options(kCounter));
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCorruptState);
}

// As after the changelog was deleted and made again under the same name.
TEST_F(StageRecoveryTest, RefusesAStateThatIsAheadOfItsChangelog) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 5);
  CatchUp(5);
  auto probe = kafka::NewClient(RD_KAFKA_PRODUCER, client(), {});
  ASSERT_TRUE(probe);
  char* cluster = rd_kafka_clusterid(probe->get(), 10'000);
  ASSERT_NE(cluster, nullptr);
  {
    const auto state = kafka::PartitionState::Open(
        kafka::PartitionDirectory(StateDirectory(kCounter), 0),
        {std::string(kCounter), cluster, Name(Topic::kSafe),
         kafka::ChangelogName(kCounter, prefix_), 0});
    ASSERT_TRUE(state) << state.error().message;
    auto ahead = (*state)->position();
    ahead.changelog = 1000;
    ASSERT_TRUE((*state)->Commit({}, ahead));
  }
  rd_kafka_mem_free(probe->get(), cluster);
  RunningStage stage(Options(kCounter));
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCorruptState);
  EXPECT_THAT(ended.error().message, HasSubstr("up to 1000"));
}

TEST_F(StageRecoveryTest, TellsWhatItsStateWeighsAgainAndAgain) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 100);
  RunningStage stage(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 100; }));
  const auto entries = [&] {
    const auto states = stage.observer.states();
    return states.count(0) > 0 ? states.at(0).entries : 0;
  };
  // Estimated: an entry that was written again may count twice until its tables are merged.
  ASSERT_TRUE(Eventually([&] { return entries() >= 101; })) << "not only when it was opened";
  EXPECT_LE(entries(), 101u + 100u);
  EXPECT_GT(stage.observer.states().at(0).memory_bytes, 0u);
  ASSERT_TRUE(stage.Stop());
  RunningStage restarted(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return restarted.observer.states().count(0) > 0; }));
  EXPECT_GT(restarted.observer.states().at(0).disk_bytes, 0u);
}

// ---- what retention deletes ----------------------------------------------------------------

TEST_F(StageRecoveryTest, CountsOnceWhatWasDeletedWhileItWasAway) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 10);
  CatchUp(10);
  SendNumbered(Topic::kSafe, 10, 30);
  DeleteRecords(Topic::kSafe, 0, 20);
  {
    RunningStage stage(Options(kCounter));
    ASSERT_TRUE(Eventually([&] {
      return stage.observer.received() == 10 &&
             stage.observer.lags() == std::map<int, std::uint64_t>{{0, 0}};
    }));
    ASSERT_TRUE(stage.Stop());
    EXPECT_EQ(stage.observer.lost(), 10u);
    EXPECT_EQ(stage.observer.errors(), 1u);
  }
  ExpectCountedOnce(20);
  const kafka::StateDigest survivor = Digest();
  std::filesystem::remove_all(StateDirectory(kCounter));
  CatchUp(0);
  ExpectEqual(Digest(), survivor);
}

// Nothing comes after what was deleted, so no record carries the group's offset over it.
TEST_F(StageRecoveryTest, CountsOnceWhatWasDeletedThoughNothingIsLeft) {
  for (const std::string_view name : {kCounter, kPasser}) {
    const Topic input = name == kCounter ? Topic::kSafe : Topic::kRaw;
    MakeTopics(1);
    SendNumbered(input, 0, 10);
    {
      RunningStage stage(Options(name));
      ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 10; }));
    }
    SendNumbered(input, 10, 30);
    DeleteRecords(input, 0, 30);
    {
      RunningStage stage(Options(name));
      EXPECT_TRUE(Eventually([&] {
        return stage.observer.lost() == 20 &&
               stage.observer.lags() == std::map<int, std::uint64_t>{{0, 0}};
      })) << name;
    }
    SendNumbered(input, 30, 31);
    RunningStage again(Options(name));
    EXPECT_TRUE(Eventually([&] { return again.observer.received() == 1; })) << name;
    ASSERT_TRUE(again.Stop());
    EXPECT_EQ(again.observer.lost(), 0u) << name;
  }
}

TEST_F(StageRecoveryTest, ANewGroupMissesNothingThatWasDeletedBeforeIt) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 10);
  DeleteRecords(Topic::kSafe, 0, 4);
  RunningStage stage(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 6; }));
  ASSERT_TRUE(stage.Stop());
  EXPECT_EQ(stage.observer.lost(), 0u);
}

struct Gate {
  std::atomic<bool> reached{false};
  std::atomic<bool> open{false};
};

// Lets nothing through before the gate is open.
class Gated : public stream::Processor {
 public:
  Gated(std::unique_ptr<stream::Processor> inner, Gate& gate)
      : inner_(std::move(inner)), gate_(gate) {}
  std::string_view name() const override { return inner_->name(); }
  stream::OrderingScope scope() const override { return inner_->scope(); }
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView& state,
                                  Timestamp now) override {
    gate_.reached = true;
    while (!gate_.open) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return inner_->Process(std::move(record), state, now);
  }

 private:
  std::unique_ptr<stream::Processor> inner_;
  Gate& gate_;
};

// The more partitions, the less of each is fetched ahead; so most of what is sent is still in the
// topic when it is deleted.
TEST_F(StageRecoveryTest, CountsOnceWhatIsDeletedWhileItReads) {
  constexpr std::uint64_t kRecords = 120;
  MakeTopic("images.raw", 32);
  MakeTopics(1);
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    record::ImageRecord record = FrameOf("camera", static_cast<int>(i));
    record.payload = RawBytes(std::string(100'000, 'x'));
    Send(Topic::kRaw, record);
  }
  Flush();
  const auto ranges = kafka::RangesOf(client(), Name(Topic::kRaw)).value();
  const auto full = std::find_if(ranges.begin(), ranges.end(),
                                 [](const auto& range) { return range.end > 0; });
  ASSERT_NE(full, ranges.end());

  Gate gate;
  auto options = Options(kPasser);
  options.lanes = 1;
  options.max_bytes_in_flight = 300'000;
  RunningStage stage(options, [&]() -> Result<std::unique_ptr<stream::Processor>> {
    WINNOW_ASSIGN_OR_RETURN(auto passer, FactoryOf(kPasser)());
    return std::make_unique<Gated>(std::move(passer), gate);
  });
  ASSERT_TRUE(Eventually([&] { return gate.reached.load(); }));
  DeleteRecords(Topic::kRaw, full->partition, kRecords - 10);
  gate.open = true;
  EXPECT_TRUE(Eventually([&] {
    return stage.observer.received() + stage.observer.lost() == kRecords;
  })) << stage.observer.received() << " received, " << stage.observer.lost() << " lost";
  ASSERT_TRUE(stage.Stop());
  EXPECT_GE(stage.observer.received(), 10u);
  EXPECT_GE(stage.observer.lost(), 10u);
  EXPECT_EQ(stage.observer.errors(), 1u);
  EXPECT_EQ(Read(Topic::kValid).size(), stage.observer.received());
  EXPECT_THAT(OutcomesByOrigin(Topic::kValid), Each(Pair(testing::_, 1)));
}

// ---- configuration -------------------------------------------------------------------------

TEST_F(StageRecoveryTest, NamesTheTopicThatIsMissing) {
  MakeTopic("images.raw", 1);
  RunningStage stage(Options(kPasser));
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kConfig);
  EXPECT_THAT(ended.error().message, HasSubstr("winnow topics apply"));
}

TEST_F(StageRecoveryTest, RefusesAChangelogWithOtherPartitions) {
  MakeTopic("counter.changelog", 3, {{"cleanup.policy", "compact"}});
  MakeTopics(1);
  RunningStage stage(Options(kCounter));
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kConfig);
  EXPECT_THAT(ended.error().message, HasSubstr("has 3 partitions"));
}

TEST_F(StageRecoveryTest, RefusesPropertiesThatDeliveryRestsOn) {
  auto options = Options(kPasser);
  options.client.properties["isolation.level"] = "read_uncommitted";
  const Status ended = RunningStage(options).AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kConfig);
}

// ---- the group -----------------------------------------------------------------------------

TEST_F(StageRecoveryTest, SharesPartitionsWithANewcomerAndLosesNothing) {
  MakeTopics(4);
  for (int i = 0; i < 400; ++i) Send(Topic::kRaw, RecordOf("a" + std::to_string(i)));
  Flush();
  RunningStage first(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return first.observer.received() >= 100; }));
  auto options = Options(kPasser);
  options.instance = "passer-1";
  RunningStage second(options);
  ASSERT_TRUE(Eventually([&] {
    return first.observer.lags().size() == 2 && second.observer.lags().size() == 2;
  }));
  for (int i = 0; i < 400; ++i) Send(Topic::kRaw, RecordOf("b" + std::to_string(i)));
  Flush();
  ASSERT_TRUE(Eventually([&] {
    return first.observer.received() + second.observer.received() == 800;
  }));
  EXPECT_GT(second.observer.received(), 0u);
  const auto outcomes = OutcomesByOrigin(Topic::kValid);
  EXPECT_EQ(outcomes.size(), 800u);
  EXPECT_THAT(outcomes, Each(Pair(testing::_, 1)));
}

TEST_F(StageRecoveryTest, ASecondProcessUnderTheSameNameTakesOver) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 50);
  RunningStage first(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return first.observer.received() == 50; }));
  auto options = Options(kCounter);
  options.state_directory += "-elsewhere";
  RunningStage second(options);
  // The first one learns of it when it next commits or answers the group.
  ASSERT_TRUE(Eventually([&] { return second.observer.condition().restored; }));
  SendNumbered(Topic::kSafe, 50, 100);
  ASSERT_TRUE(Eventually([&] { return first.ended(); }));
  const Status ended = first.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(first.observer.fenced());
  ASSERT_TRUE(Eventually([&] { return second.observer.received() == 50; }));
  EXPECT_FALSE(second.observer.fenced());
  ExpectCountedOnce(100);
}

// As when its transaction took too long: nobody has taken its place in the group.
TEST_F(StageRecoveryTest, AProducerThatIsShutOutAloneIsNoTakeOver) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 50);
  RunningStage stage(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 50; }));
  const auto intruder = kafka::NewClient(
      RD_KAFKA_PRODUCER, client(),
      {{"transactional.id", kafka::GroupName(kCounter, prefix_) + "/counter-0"}});
  ASSERT_TRUE(intruder);
  const kafka::RdError refused(rd_kafka_init_transactions(intruder->get(), 20'000));
  ASSERT_FALSE(refused);
  SendNumbered(Topic::kSafe, 50, 60);
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(stage.observer.fenced());
}

TEST_F(StageRecoveryTest, AZombieThatWakesCommitsNothing) {
  MakeTopics(1);
  SendNumbered(Topic::kSafe, 0, 1000);
  ChildStage zombie(ChildArguments(kCounter));
  ASSERT_TRUE(Eventually([&] { return !Read(Topic::kUnique).empty(); }));
  zombie.Signal(SIGSTOP);
  // Its successor, under another name: gets the partition when the zombie's session has run out.
  auto options = Options(kCounter);
  options.instance = "counter-1";
  options.state_directory += "-elsewhere";
  RunningStage successor(options);
  ASSERT_TRUE(Eventually([&] { return Read(Topic::kUnique).size() == 1000; }));
  zombie.Signal(SIGCONT);
  SendNumbered(Topic::kSafe, 1000, 1100);
  ASSERT_TRUE(Eventually([&] { return Read(Topic::kUnique).size() >= 1100; }));
  zombie.Signal(SIGTERM);
  zombie.Await();
  ExpectCountedOnce(1100);
}

}  // namespace
}  // namespace winnow::integration
