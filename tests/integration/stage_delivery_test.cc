// What becomes of each message while nothing fails.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "libs/record/codec.h"
#include "tests/integration/stage_test.h"

namespace winnow::integration {
namespace {

using kafka::Topic;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

class StageDeliveryTest : public StageTest {};

TEST_F(StageDeliveryTest, GivesEveryMessageExactlyOneOutcomeUnderItsOrigin) {
  MakeTopics(3);
  for (int i = 0; i < 300; ++i) {
    Send(Topic::kRaw, RecordOf("r" + std::to_string(i), i % 7 == 0 ? "reject" : ""));
  }
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 300; }));
  ASSERT_TRUE(stage.Stop());

  const auto outcomes = OutcomesByOrigin(Topic::kValid);
  EXPECT_EQ(outcomes.size(), 300u);
  EXPECT_THAT(outcomes, Each(testing::Pair(HasSubstr("images.raw/"), 1)));
  EXPECT_EQ(Read(Topic::kRejected).size(), 43u);
}

TEST_F(StageDeliveryTest, PassesOnKeyTimeAndTrace) {
  MakeTopics(1);
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Send(Topic::kRaw, FrameOf("cam", 1),
       {{"traceparent", trace}, {"tracestate", "a=b"}, {"winnow-origin", "feed/2/17"}});
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  ASSERT_TRUE(stage.Stop());

  const auto raw = Read(Topic::kRaw);
  const auto valid = Read(Topic::kValid);
  ASSERT_EQ(valid.size(), 1u);
  EXPECT_EQ(valid[0].key, "cam");
  EXPECT_EQ(valid[0].time, raw[0].time);
  EXPECT_EQ(valid[0].header("winnow-origin"), "feed/2/17");
  EXPECT_EQ(valid[0].header("tracestate"), "a=b");
  EXPECT_EQ(valid[0].header("traceparent"),
            kafka::NextTraceparent(trace, kPasser, "feed/2/17"));
}

TEST_F(StageDeliveryTest, KeepsTheOrderOfEachCameraOnManyLanes) {
  MakeTopics(2);
  constexpr int kFrames = 200;
  for (int i = 0; i < kFrames; ++i) {
    for (const char* camera : {"north", "south", "east", "west"}) {
      Send(Topic::kRaw, FrameOf(camera, i));
    }
  }
  Flush();
  auto options = Options(kPasser);
  options.lanes = 8;
  RunningStage stage(options);
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 4 * kFrames; }));
  ASSERT_TRUE(stage.Stop());

  std::map<std::string, int> next;
  for (const Message& message : Read(Topic::kValid)) {
    const auto record = message.record(record::Zone::kRaw);
    EXPECT_EQ(record.attributes.at("frame"), std::to_string(next[message.key]++));
  }
  EXPECT_THAT(next, AllOf(testing::SizeIs(4), Each(testing::Pair(testing::_, kFrames))));
}

TEST_F(StageDeliveryTest, SendsWhatItCannotJudgeToTheDeadAsItCame) {
  MakeTopics(1);
  auto elsewhere = RecordOf("elsewhere");
  elsewhere.collection = CollectionId("kitchen");
  auto lost = RecordOf("lost");
  lost.payload = RawBytes("bytes");
  record::ReplaceByReference(lost.payload);
  const std::string cut = record::RecordCodec::Encode(RecordOf("cut")).substr(0, 9);
  SendBytes(Topic::kRaw, "k1", "\xff\xfe garbage");
  SendBytes(Topic::kRaw, "k2", cut, {{"winnow-origin", "nonsense"}});
  Send(Topic::kRaw, elsewhere);
  Send(Topic::kRaw, lost);
  Send(Topic::kRaw, RecordOf("refused", "refuse"));
  Send(Topic::kRaw, RecordOf("good"));
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 6; }));
  ASSERT_TRUE(stage.Stop());

  const auto dead = Read(Topic::kDead);
  ASSERT_EQ(dead.size(), 5u);
  EXPECT_EQ(Read(Topic::kValid).size(), 1u);
  std::map<std::string, std::string> reasons;
  const auto raw = Read(Topic::kRaw);
  for (const Message& message : dead) {
    const auto place = kafka::ParseOrigin(message.header(kafka::kDeadMessageHeader));
    ASSERT_TRUE(place);
    const Message& came = raw.at(static_cast<std::size_t>(place->offset));
    EXPECT_EQ(message.value, came.value);
    EXPECT_EQ(message.key, came.key);
    EXPECT_EQ(message.header(kafka::kOriginHeader), kafka::Format(*place));
    EXPECT_EQ(message.header(kafka::kDeadStageHeader), kPasser);
    EXPECT_NE(message.header(kafka::kDeadDetailHeader), "");
    reasons[std::to_string(place->offset)] = message.header(kafka::kDeadReasonHeader);
  }
  EXPECT_EQ(reasons, (std::map<std::string, std::string>{{"0", "undecodable"},
                                                         {"1", "undecodable"},
                                                         {"2", "wrong_collection"},
                                                         {"3", "blob_missing"},
                                                         {"4", "refused_by_stage"}}));
}

TEST_F(StageDeliveryTest, TakesRawBytesOnASafeTopicForDead) {
  MakeTopics(1);
  auto raw = RecordOf("raw");
  raw.payload = RawBytes("a face");
  Send(Topic::kSafe, raw);
  Flush();
  RunningStage stage(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  ASSERT_TRUE(stage.Stop());
  const auto dead = Read(Topic::kDead);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].header(kafka::kDeadReasonHeader), "unredacted");
}

// An order stands in the log like a record, between what came before it and what comes after.
TEST_F(StageDeliveryTest, ForgetsAnErasedImageWhicheverPartitionHasIt) {
  MakeTopics(3);
  Send(Topic::kSafe, RecordOf("gone"));
  Send(Topic::kSafe, RecordOf("stays"));
  Send(Topic::kSafe, RecordOf("gone"));
  OrderToForget(Topic::kSafe, "gone", 3);
  OrderToForget(Topic::kSafe, "never there", 3);
  Send(Topic::kSafe, RecordOf("gone"));
  Send(Topic::kSafe, RecordOf("stays"));
  Flush();
  {
    RunningStage stage(Options(kCounter));
    ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 5; }));
    ASSERT_TRUE(stage.Stop());
    EXPECT_EQ(stage.observer.events("an erased image was forgotten"), 1u);
  }
  const auto ids = [&](Topic topic) {
    std::multiset<std::string> found;
    for (const Message& message : Read(topic)) found.insert(message.record().id.value());
    return found;
  };
  EXPECT_EQ(ids(Topic::kUnique), (std::multiset<std::string>{"gone", "gone", "stays"}));
  EXPECT_EQ(ids(Topic::kRejected), (std::multiset<std::string>{"gone", "stays"}));
  EXPECT_TRUE(Read(Topic::kDead).empty());

  // It is gone from the changelog as well.
  OrderToForget(Topic::kSafe, "gone", 3);
  OrderToForget(Topic::kSafe, "stays", 3);
  Flush();
  {
    RunningStage stage(Options(kCounter));
    ASSERT_TRUE(Eventually(
        [&] { return stage.observer.events("an erased image was forgotten") == 2; }));
    ASSERT_TRUE(stage.Stop());
  }
  std::filesystem::remove_all(StateDirectory(kCounter));
  Send(Topic::kSafe, RecordOf("gone"));
  Send(Topic::kSafe, RecordOf("stays"));
  Flush();
  RunningStage stage(Options(kCounter));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 2; }));
  ASSERT_TRUE(stage.Stop());
  EXPECT_EQ(Read(Topic::kRejected).size(), 2u);
  EXPECT_EQ(Read(Topic::kUnique).size(), 5u);
}

TEST_F(StageDeliveryTest, KeepsFieldsOfANewerSchema) {
  MakeTopics(1);
  // Field 9999, a string, which this version does not know.
  const std::string unknown = "\xfa\xf0\x04\x05later";
  SendBytes(Topic::kRaw, "k", record::RecordCodec::Encode(RecordOf("new")) + unknown);
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  ASSERT_TRUE(stage.Stop());
  const auto valid = Read(Topic::kValid);
  ASSERT_EQ(valid.size(), 1u);
  EXPECT_THAT(*valid[0].value, HasSubstr(unknown));
}

TEST_F(StageDeliveryTest, BuriesAnOutcomeThatFitsNowhere) {
  MakeTopics(1, {{"max.message.bytes", "20000"}});
  auto growing = RecordOf("growing", "grow");
  growing.payload = RawBytes(std::string(5000, 'x'));
  Send(Topic::kRaw, growing);
  Send(Topic::kRaw, RecordOf("next"));
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 2; }));
  ASSERT_TRUE(stage.Stop());
  const auto dead = Read(Topic::kDead);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].header(kafka::kDeadReasonHeader), "too_large");
  EXPECT_EQ(dead[0].record(record::Zone::kRaw).payload, growing.payload);
  EXPECT_EQ(stage.observer.aborted(), 0u);
}

TEST_F(StageDeliveryTest, PutsLargePayloadsAndReviewsIntoTheRawBlobStore) {
  MakeTopics(1);
  const auto blobs = blob::OpenDirectory(directory_ + "/blobs");
  ASSERT_TRUE(blobs);
  auto large = RecordOf("large");
  large.payload = RawBytes(std::string(5000, 'x'));
  auto doubtful = RecordOf("doubtful", "review");
  doubtful.payload = RawBytes("a face");
  Send(Topic::kRaw, large);
  Send(Topic::kRaw, doubtful);
  Flush();
  auto options = Options(kPasser);
  options.inline_max_bytes = 1000;
  options.raw_blobs = blobs->get();
  RunningStage stage(options);
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 2; }));
  ASSERT_TRUE(stage.Stop());

  for (const auto& [topic, sent] :
       {std::pair(Topic::kValid, large), std::pair(Topic::kReview, doubtful)}) {
    const auto messages = Read(topic);
    ASSERT_EQ(messages.size(), 1u);
    const auto record = messages[0].record(record::Zone::kRaw);
    const auto* content = record::ContentOf(record.payload);
    ASSERT_NE(content, nullptr);
    EXPECT_TRUE(content->in_store);
    EXPECT_TRUE(content->bytes.empty());
    const auto bytes = (*blobs)->Get(content->sha256, 10'000);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(*bytes, record::ContentOf(sent.payload)->bytes);
  }
}

TEST_F(StageDeliveryTest, SendsReviewsWithoutBytesWhereThereIsNoBlobStore) {
  MakeTopics(1);
  auto doubtful = RecordOf("doubtful", "review");
  doubtful.payload = RawBytes("a face");
  Send(Topic::kRaw, doubtful);
  Flush();
  RunningStage stage(Options(kPasser));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 1; }));
  ASSERT_TRUE(stage.Stop());
  const auto review = Read(Topic::kReview);
  ASSERT_EQ(review.size(), 1u);
  EXPECT_THAT(*review[0].value, testing::Not(HasSubstr("a face")));
}

TEST_F(StageDeliveryTest, SettlesDeferredRecordsUnderTheirOwnOrigin) {
  MakeTopics(1);
  Send(Topic::kSafe, RecordOf("d1", "defer"), {{"winnow-origin", "images.raw/0/11"}});
  Send(Topic::kSafe, RecordOf("d2", "defer"), {{"winnow-origin", "images.raw/0/12"}});
  Flush();
  RunningStage stage(Options(kKeeper));
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 2; }));
  auto deferred = Read(Topic::kDeferred);
  ASSERT_EQ(deferred.size(), 2u);
  EXPECT_EQ(deferred[0].key, "d1");
  EXPECT_EQ(deferred[0].record().history.back().reason, record::Reason::kOverTargetShare);

  Send(Topic::kSafe, RecordOf("a", "admit"), {{"winnow-origin", "images.raw/0/13"}});
  Flush();
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 3; }));
  ASSERT_TRUE(stage.Stop());
  EXPECT_EQ(stage.observer.settled(), 2u);
  deferred = Read(Topic::kDeferred);
  ASSERT_EQ(deferred.size(), 4u);
  EXPECT_EQ(deferred[2].key, "d1");
  EXPECT_FALSE(deferred[2].value) << "a tombstone";
  std::vector<std::string> origins;
  for (const Message& message : Read(Topic::kUnique)) {
    origins.push_back(message.record().id.value() + " " + message.header(kafka::kOriginHeader));
  }
  EXPECT_THAT(origins, testing::ElementsAre("a images.raw/0/13", "d1 images.raw/0/11",
                                            "d2 images.raw/0/12"));
}

TEST_F(StageDeliveryTest, ShowsNoLagWhenEverythingIsDone) {
  MakeTopics(2);
  RunningStage first(Options(kPasser));
  for (int i = 0; i < 50; ++i) Send(Topic::kRaw, RecordOf("r" + std::to_string(i)));
  Flush();
  // Its output ends in the markers of transactions, which must not show as lag of the next stage.
  ASSERT_TRUE(Eventually([&] { return first.observer.received() == 50; }));
  auto options = Options(kPasser);
  options.stage = "second";
  options.instance = "second-0";
  options.input = Topic::kValid;
  options.output = Topic::kSafe;
  class Second : public stream::Processor {
   public:
    std::string_view name() const override { return "second"; }
    stream::OrderingScope scope() const override { return stream::OrderingScope::kNone; }
    Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView&,
                                    Timestamp) override {
      record::StageVerdict verdict;
      verdict.stage = "second";
      return stream::Conclude(std::move(record), verdict);
    }
  };
  RunningStage second(options, [] {
    return Result<std::unique_ptr<stream::Processor>>(std::make_unique<Second>());
  });
  ASSERT_TRUE(Eventually([&] { return second.observer.received() == 50; }));
  EXPECT_TRUE(Eventually([&] {
    return second.observer.lags() == std::map<int, std::uint64_t>{{0, 0}, {1, 0}};
  }));
  const auto now = second.observer.condition();
  EXPECT_TRUE(now.assigned && now.restored && now.reachable);
}

TEST_F(StageDeliveryTest, StopsAtARecordItsProcessorBreaksOn) {
  MakeTopics(1);
  Send(Topic::kRaw, RecordOf("first"));
  Send(Topic::kRaw, RecordOf("broken", "break"));
  Flush();
  RunningStage stage(Options(kPasser));
  const Status ended = stage.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kBug);
  EXPECT_THAT(ended.error().message, HasSubstr("images.raw/0/1"));
  for (const auto& [origin, times] : OutcomesByOrigin(Topic::kValid)) {
    EXPECT_THAT(origin, testing::EndsWith("images.raw/0/0"));
  }
}

TEST_F(StageDeliveryTest, HoldsNoMoreBytesThanItMay) {
  MakeTopics(1);
  for (int i = 0; i < 100; ++i) {
    auto record = RecordOf("r" + std::to_string(i));
    record.payload = RawBytes(std::string(20'000, 'x'));
    Send(Topic::kRaw, record);
  }
  Flush();
  auto options = Options(kPasser);
  options.max_bytes_in_flight = 100'000;
  RunningStage stage(options);
  ASSERT_TRUE(Eventually([&] { return stage.observer.received() == 100; }));
  ASSERT_TRUE(stage.Stop());
  EXPECT_LE(stage.observer.most_in_flight(), 125'000u) << "the bound and the message that met it";
}

}  // namespace
}  // namespace winnow::integration
