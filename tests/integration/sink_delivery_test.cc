// What the sink promises, on a real broker: every record once, whatever dies when.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "libs/dataset/manifest.h"
#include "libs/dataset/stream_shards.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/sink_runner.h"
#include "libs/record/codec.h"
#include "libs/testing/safe_payload.h"
#include "tests/integration/sink_setup.h"
#include "tests/integration/stage_test.h"

extern char** environ;

namespace winnow::integration {
namespace {

using kafka::Topic;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// RunSink on a thread, until Stop.
class RunningSink {
 public:
  RunningSink(kafka::SinkOptions options, stream::PartitionOutputFactory outputs)
      : options_(std::move(options)), outputs_(std::move(outputs)) {
    options_.stop = &stop_;
    options_.observer = &observer;
    thread_ = std::thread([this] {
      status_ = kafka::RunSink(options_, SinkProcessors(), outputs_);
      ended_ = true;
    });
  }
  ~RunningSink() {
    if (!thread_.joinable()) return;
    const Status status = Stop();
    EXPECT_TRUE(status) << status.error().message;
  }
  RunningSink(const RunningSink&) = delete;
  RunningSink& operator=(const RunningSink&) = delete;

  Status Stop() {
    stop_ = true;
    return AwaitEnd();
  }
  Status AwaitEnd() {
    thread_.join();
    return status_;
  }
  bool ended() const { return ended_; }
  CountingObserver observer;

 private:
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  kafka::SinkOptions options_;
  stream::PartitionOutputFactory outputs_;
  Status status_;
  std::thread thread_;
};

// sink_child, killed at the latest when it goes out of scope.
class ChildSink {
 public:
  explicit ChildSink(std::vector<std::string> arguments) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    arguments.insert(arguments.begin(), (here / "sink_child").string());
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, raw[0], nullptr, nullptr, raw.data(), environ), 0);
  }
  ~ChildSink() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  ChildSink(const ChildSink&) = delete;
  ChildSink& operator=(const ChildSink&) = delete;

  void Signal(int number) const { kill(pid_, number); }
  // Its exit code; -1 if it was killed or does not end.
  int Await() {
    int status = 0;
    if (!Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

class SinkDeliveryTest : public StageTest {
 protected:
  std::string Dataset() const { return directory_ + "/data"; }
  std::string Blobs() const { return directory_ + "/blobs"; }

  kafka::SinkOptions Options(const std::string& instance, int idle_ms) const {
    kafka::SinkOptions options = SinkOptionsOf(brokers_, prefix_, instance);
    options.seal_when_idle = std::chrono::milliseconds(idle_ms);
    return options;
  }
  stream::PartitionOutputFactory Outputs() const {
    return SinkOutputs(prefix_, Dataset(), dataset::PosixFiles());
  }
  std::vector<std::string> Arguments(const std::string& instance, int idle_ms,
                                     int kill_at = 0) const {
    return {brokers_, prefix_, Dataset(), instance, std::to_string(idle_ms),
            std::to_string(kill_at)};
  }

  static record::ImageRecord Selected(const std::string& id) {
    record::ImageRecord record = RecordOf(id);
    record.payload = record::SafePayloadForTesting::Make("picture of " + id);
    return record;
  }
  std::vector<std::string> SendMany(int from, int to) {
    std::vector<std::string> ids;
    for (int i = from; i < to; ++i) {
      ids.push_back(fmt::format("{:032x}", i));
      Send(Topic::kSelected, Selected(ids.back()));
    }
    Flush();
    return ids;
  }

  std::vector<std::string> StoredIds() const {
    std::vector<std::string> ids;
    const auto parts = dataset::ReadParts(Dataset(), dataset::PosixFiles());
    EXPECT_TRUE(parts) << parts.error().message;
    if (!parts) return ids;
    for (const auto& part : *parts) ids.insert(ids.end(), part.ids.begin(), part.ids.end());
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  // Waits as long as it gets on: a part is several syncs, and disks are shared.
  bool EventuallyStored(std::size_t count) const {
    std::size_t stored = 0;
    while (stored < count) {
      const std::size_t before = stored;
      if (!Eventually([&] { return (stored = StoredIds().size()) > before; })) return false;
    }
    return true;
  }
  void ExpectWhole(std::vector<std::string> ids) const {
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(StoredIds(), ids);
    const auto problems = dataset::VerifyDataset(Dataset());
    ASSERT_TRUE(problems) << problems.error().message;
    EXPECT_THAT(*problems, IsEmpty());
    EXPECT_TRUE(std::filesystem::is_empty(Dataset() + "/.winnow/staging"));
  }
};

TEST_F(SinkDeliveryTest, StoresEachRecordOnceAndSealsWhenIdle) {
  MakeTopics(2);
  std::vector<std::string> ids = SendMany(0, 50);
  SendMany(10, 20);  // again
  RunningSink sink(Options("sink-0", 500), Outputs());
  ASSERT_TRUE(EventuallyStored(50));
  EXPECT_TRUE(Eventually([&] { return sink.observer.received() == 60; }));
  EXPECT_TRUE(Eventually([&] {
    const auto lags = sink.observer.lags();
    return lags.size() == 2 && lags.at(0) == 0 && lags.at(1) == 0;
  }));
  const auto ranges = kafka::RangesOf(client(), Name(Topic::kSelected)).value();
  const auto group = kafka::GroupName("sink", prefix_);
  EXPECT_TRUE(Eventually([&] {
    const auto committed = kafka::CommittedOffsets(client(), group, Name(Topic::kSelected));
    return committed && committed->size() == 2 && committed->at(0) == ranges[0].end &&
           committed->at(1) == ranges[1].end;
  }));
  EXPECT_TRUE(sink.Stop());
  ExpectWhole(ids);
  EXPECT_EQ(sink.observer.parts_open(), 0u);
  EXPECT_EQ(sink.observer.oldest_part(), std::chrono::nanoseconds(0));
  EXPECT_EQ(sink.observer.parts_published(),
            dataset::ReadParts(Dataset(), dataset::PosixFiles()).value().size());
}

TEST_F(SinkDeliveryTest, TellsHowManyPartsAreOpenAndSinceWhen) {
  MakeTopics(1);
  SendMany(0, 3);
  const auto began = std::chrono::steady_clock::now();
  RunningSink first(Options("sink-0", 0), Outputs());
  ASSERT_TRUE(Eventually([&] { return first.observer.parts_open() > 0; }));
  EXPECT_TRUE(Eventually([&] {
    return first.observer.oldest_part() > std::chrono::milliseconds(300);
  }));
  const auto oldest = first.observer.oldest_part();
  EXPECT_LE(oldest, std::chrono::steady_clock::now() - began);
  EXPECT_EQ(first.observer.parts_published(), 0u);
  EXPECT_EQ(first.observer.times_no_part_was_left(), 0);
  // Nothing is sealed, so what is no longer open was taken away.
  RunningSink second(Options("sink-1", 0), Outputs());
  EXPECT_TRUE(Eventually([&] { return first.observer.times_no_part_was_left() > 0; }));
}

TEST_F(SinkDeliveryTest, WhatCannotBeStoredIsADeadLetterWithItsReason) {
  MakeTopics(1);
  const auto blobs = blob::OpenDirectory(Blobs()).value();
  const auto send = [&](const record::ImageRecord& record) {
    Send(Topic::kSelected, record, {{std::string(kafka::kOriginHeader), "images.raw/5/7"}});
  };
  record::ImageRecord by_reference = Selected("by-reference");
  const auto* content = record::ContentOf(by_reference.payload);
  ASSERT_TRUE(blobs->Put(content->sha256, content->bytes.view()));
  record::ReplaceByReference(by_reference.payload);
  send(by_reference);
  record::ImageRecord lost = Selected("lost");
  record::ReplaceByReference(lost.payload);
  send(lost);
  record::ImageRecord stranger = Selected("stranger");
  stranger.collection = CollectionId("another");
  send(stranger);
  record::ImageRecord raw = RecordOf("raw");
  raw.payload = RawBytes("a face");
  send(raw);
  send(RecordOf("without-image"));
  SendBytes(Topic::kSelected, "key", "\xff\xffgarbage");
  send(Selected("last"));
  Flush();

  kafka::SinkOptions options = Options("sink-0", 500);
  options.safe_blobs = blobs.get();
  RunningSink sink(options, Outputs());
  ASSERT_TRUE(EventuallyStored(2));
  EXPECT_TRUE(Eventually([&] { return sink.observer.received() == 7; }));
  EXPECT_TRUE(sink.Stop());
  EXPECT_THAT(StoredIds(), UnorderedElementsAre("by-reference", "last"));
  std::map<std::string, std::string> reasons;
  for (const Message& dead : Read(Topic::kDead)) {
    EXPECT_EQ(dead.header(kafka::kDeadStageHeader), "sink");
    reasons[dead.header(kafka::kDeadMessageHeader)] = dead.header(kafka::kDeadReasonHeader);
    const bool garbage = dead.key == "key";
    EXPECT_EQ(dead.header(kafka::kOriginHeader),
              garbage ? Name(Topic::kSelected) + "/0/5" : "images.raw/5/7");
    EXPECT_FALSE(dead.value->empty());
  }
  const auto at = [&](int offset) {
    return reasons[fmt::format("{}/0/{}", Name(Topic::kSelected), offset)];
  };
  EXPECT_EQ(reasons.size(), 5u);
  EXPECT_EQ(at(1), "blob_missing");
  EXPECT_EQ(at(2), "wrong_collection");
  EXPECT_EQ(at(3), "unredacted");
  EXPECT_EQ(at(4), "refused_by_stage");
  EXPECT_EQ(at(5), "undecodable");
}

TEST_F(SinkDeliveryTest, KilledAtEachStepOfOpeningWritingAndPublishingItStoresEachRecordOnce) {
  MakeTopics(1);
  const std::vector<std::string> ids = SendMany(0, 100);
  int kills = 0;
  for (int kill_at = 1; kill_at <= 46; kill_at += 3) {
    ChildSink child(Arguments("sink-0", 300, kill_at));
    kills += child.Await() == 42 ? 1 : 0;
  }
  EXPECT_GE(kills, 14);
  ChildSink last(Arguments("sink-0", 300));
  ASSERT_TRUE(EventuallyStored(ids.size()));
  last.Signal(SIGTERM);
  EXPECT_EQ(last.Await(), 0);
  ExpectWhole(ids);
}

// Every fifth takes the place of the one before and of one of a part before.
TEST_F(SinkDeliveryTest, KilledWhileItTakesOutWhatBetterCopiesReplacedItStoresTheOthersOnce) {
  MakeTopics(1);
  std::set<std::string> ids;
  const auto id = [](int i) { return fmt::format("{:032x}", i); };
  for (int i = 0; i < 100; ++i) {
    record::ImageRecord record = Selected(id(i));
    ids.insert(id(i));
    if (i % 5 == 4 && i > 20) {
      record.duplicate = record::Duplicate{};
      for (const int earlier : {i - 1, i - 18}) {
        record.duplicate->replaces.push_back(RecordId(id(earlier)));
        ids.erase(id(earlier));
      }
    }
    Send(Topic::kSelected, record);
  }
  Flush();
  int kills = 0;
  for (int kill_at = 10; kill_at <= 100; kill_at += 6) {
    ChildSink child(Arguments("sink-0", 300, kill_at));
    kills += child.Await() == 42 ? 1 : 0;
  }
  EXPECT_GE(kills, 10);
  ChildSink last(Arguments("sink-0", 300));
  const std::vector<std::string> expected(ids.begin(), ids.end());
  EXPECT_TRUE(Eventually([&] { return StoredIds() == expected; }));
  last.Signal(SIGTERM);
  EXPECT_EQ(last.Await(), 0);
  ExpectWhole(expected);
}

TEST_F(SinkDeliveryTest, AStopSealsNothingAndTheNextLifeStoresWhatWasOpen) {
  MakeTopics(1);
  const std::vector<std::string> ids = SendMany(0, 3);
  {
    RunningSink sink(Options("sink-0", 0), Outputs());
    ASSERT_TRUE(Eventually([&] { return sink.observer.most_in_flight() > 0; }));
    EXPECT_TRUE(sink.Stop());
    EXPECT_EQ(sink.observer.received(), 0u);
  }
  EXPECT_THAT(StoredIds(), IsEmpty());
  RunningSink sink(Options("sink-0", 200), Outputs());
  ASSERT_TRUE(EventuallyStored(ids.size()));
  EXPECT_TRUE(sink.Stop());
  ExpectWhole(ids);
}

TEST_F(SinkDeliveryTest, TwoInstancesShareThePartitionsAndTheDirectory) {
  MakeTopics(4);
  std::vector<std::string> ids = SendMany(0, 60);
  RunningSink first(Options("sink-0", 300), Outputs());
  ASSERT_TRUE(EventuallyStored(1));
  RunningSink second(Options("sink-1", 300), Outputs());
  ASSERT_TRUE(Eventually([&] {
    return first.observer.lags().size() == 2 && second.observer.lags().size() == 2;
  }));
  const std::vector<std::string> more = SendMany(60, 160);
  ids.insert(ids.end(), more.begin(), more.end());
  ASSERT_TRUE(EventuallyStored(160));
  EXPECT_TRUE(first.Stop());
  const std::vector<std::string> late = SendMany(160, 200);
  ids.insert(ids.end(), late.begin(), late.end());
  ASSERT_TRUE(EventuallyStored(200));  // when the first one's session has timed out
  EXPECT_TRUE(second.Stop());
  ExpectWhole(ids);
}

TEST_F(SinkDeliveryTest, AZombieStoresNothingTwice) {
  MakeTopics(1);
  std::vector<std::string> ids = SendMany(0, 30);
  ChildSink zombie(Arguments("sink-0", 300));
  ASSERT_TRUE(EventuallyStored(4));
  zombie.Signal(SIGSTOP);
  const std::vector<std::string> more = SendMany(30, 60);
  ids.insert(ids.end(), more.begin(), more.end());
  ChildSink successor(Arguments("sink-1", 300));
  ASSERT_TRUE(EventuallyStored(60));
  zombie.Signal(SIGCONT);
  const std::vector<std::string> late = SendMany(60, 90);
  ids.insert(ids.end(), late.begin(), late.end());
  ASSERT_TRUE(EventuallyStored(90));
  zombie.Signal(SIGTERM);
  successor.Signal(SIGTERM);
  EXPECT_EQ(zombie.Await(), 0);
  EXPECT_EQ(successor.Await(), 0);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(StoredIds(), ids);
  EXPECT_THAT(dataset::VerifyDataset(Dataset()).value(), IsEmpty());
}

TEST_F(SinkDeliveryTest, OfTwoProcessesUnderOneNameOneIsFencedAndNothingIsStoredTwice) {
  MakeTopics(1);
  const std::vector<std::string> ids = SendMany(0, 200);
  RunningSink first(Options("sink-0", 300), Outputs());
  RunningSink second(Options("sink-0", 300), Outputs());
  ASSERT_TRUE(EventuallyStored(ids.size()));
  ASSERT_TRUE(Eventually([&] { return first.ended() || second.ended(); }));
  const Status one = first.ended() ? first.AwaitEnd() : first.Stop();
  const Status two = second.ended() ? second.AwaitEnd() : second.Stop();
  EXPECT_NE(one.has_value(), two.has_value());
  EXPECT_EQ((one ? two : one).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(first.observer.fenced(), !one.has_value());
  EXPECT_EQ(second.observer.fenced(), !two.has_value());
  EXPECT_EQ(StoredIds(), ids);
  EXPECT_THAT(dataset::VerifyDataset(Dataset()).value(), IsEmpty());
}

TEST_F(SinkDeliveryTest, RecordsDeletedBeforeTheyWerePublishedStopIt) {
  MakeTopics(1);
  SendMany(0, 10);
  DeleteRecords(Topic::kSelected, 0, 4);
  RunningSink sink(Options("sink-0", 300), Outputs());
  const Status ended = sink.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCorruptState);
  EXPECT_THAT(ended.error().message, HasSubstr("retention"));
}

TEST_F(SinkDeliveryTest, DeletedRecordsThatArePublishedAreNotMissed) {
  MakeTopics(1);
  std::vector<std::string> ids = SendMany(0, 10);
  {
    RunningSink sink(Options("sink-0", 200), Outputs());
    ASSERT_TRUE(EventuallyStored(10));
    EXPECT_TRUE(sink.Stop());
  }
  DeleteRecords(Topic::kSelected, 0, 10);
  const std::vector<std::string> more = SendMany(10, 15);
  ids.insert(ids.end(), more.begin(), more.end());
  RunningSink sink(Options("sink-0", 200), Outputs());
  ASSERT_TRUE(EventuallyStored(15));
  EXPECT_TRUE(sink.Stop());
  ExpectWhole(ids);
}

TEST_F(SinkDeliveryTest, ATopicMadeAnewIsNoticed) {
  MakeTopics(1);
  SendMany(0, 3);
  dataset::PartitionShardOptions elsewhere;
  elsewhere.directory = Dataset();
  elsewhere.collection = CollectionId(std::string(kCollection));
  elsewhere.topic = Name(Topic::kSelected);
  const auto before = dataset::NewPartitionShards(elsewhere, dataset::PosixFiles()).value();
  ASSERT_TRUE(before->Open());
  ASSERT_TRUE(before->Seal(1'000));
  RunningSink sink(Options("sink-0", 200), Outputs());
  const Status ended = sink.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCorruptState);
  EXPECT_THAT(ended.error().message, HasSubstr("made anew"));
}

TEST_F(SinkDeliveryTest, WithoutItsTopicItSaysSoAndDoesNotStart) {
  RunningSink sink(Options("sink-0", 200), Outputs());
  const Status ended = sink.AwaitEnd();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::integration
