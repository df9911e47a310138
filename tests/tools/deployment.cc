#include "tests/tools/deployment.h"

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "libs/dataset/files.h"
#include "libs/dataset/stream_shards.h"
#include "libs/kafka/client.h"
#include "libs/kafka/topic_admin.h"
#include "libs/record/codec.h"
#include "libs/testing/safe_payload.h"

namespace winnow::tools {
namespace {

using kafka::Topic;

constexpr std::chrono::seconds kDeadline{30};
// Of all test messages: any moment, but the same in each run.
constexpr Timestamp kTime{std::chrono::milliseconds(1'700'000'000'000)};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

record::StageVerdict VerdictOf(const std::string& stage, record::Disposition disposition,
                               record::Reason reason) {
  record::StageVerdict verdict;
  verdict.stage = stage;
  verdict.disposition = disposition;
  verdict.reason = reason;
  return verdict;
}

}  // namespace

void DeploymentTest::SetUp() {
  const char* const brokers = std::getenv("WINNOW_KAFKA_BROKERS");
  if (brokers == nullptr) GTEST_SKIP() << "WINNOW_KAFKA_BROKERS names no broker";
  client_.brokers = brokers;
  const std::string drawn = std::to_string(std::random_device()());
  prefix_ = "tools" + drawn + ".";
  folder_ = testing::TempDir() + "tools" + drawn;
  std::filesystem::create_directories(folder_);
}

void DeploymentTest::MakeTopics(int partitions) {
  auto topics = kafka::LoadTopics(WINNOW_TOPICS);
  ASSERT_TRUE(topics) << topics.error().message;
  for (kafka::TopicDeclaration& topic : *topics) {
    topic.partitions = partitions;
    topic.replication = 1;
    topic.configs["min.insync.replicas"] = "1";
    // Messages of the test are old.
    topic.configs["retention.ms"] = "-1";
  }
  const auto made = kafka::ApplyTopics(client_, prefix_, *topics, kafka::TopicMode::kApply);
  ASSERT_TRUE(made) << made.error().message;
}

void DeploymentTest::WriteFile(const std::string& name, const std::string& bytes) const {
  const std::filesystem::path path = Path(name);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

Ran DeploymentTest::Run(const std::vector<std::string>& arguments) const {
  std::string command = Quoted(WINNOW_PROGRAM);
  for (const std::string& argument : arguments) command += " " + Quoted(argument);
  command += " >" + Quoted(Path("out")) + " 2>" + Quoted(Path("err"));
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(Path("out")),
          ReadFile(Path("err"))};
}

Ran DeploymentTest::Winnow(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = arguments;
  all.insert(all.end(), {"--brokers", client_.brokers, "--prefix", prefix_});
  return Run(all);
}

std::int64_t DeploymentTest::Produce(Topic topic, const std::string& key,
                                     const std::string& value,
                                     const std::map<std::string, std::string>& headers) {
  if (!producer_) {
    auto made = kafka::NewRecordProducer(client_, 1u << 20);
    EXPECT_TRUE(made) << made.error().message;
    producer_ = std::move(*made);
  }
  const Status sent = producer_->Send(
      {.topic = Name(topic), .key = key, .value = value, .headers = headers, .time = kTime},
      [](Status done) { EXPECT_TRUE(done) << done.error().message; });
  EXPECT_TRUE(sent) << sent.error().message;
  const Status flushed = producer_->Flush(kDeadline);
  EXPECT_TRUE(flushed) << flushed.error().message;
  const auto ranges = kafka::RangesOf(client_, Name(topic));
  EXPECT_TRUE(ranges) << ranges.error().message;
  return ranges->at(0).high_watermark - 1;
}

std::vector<Kept> DeploymentTest::Read(Topic topic) {
  std::vector<Kept> messages;
  const Status read = kafka::ReadTopic(client_, Name(topic), [&](const kafka::LogEntry& entry) {
    messages.push_back({entry.partition, entry.offset, entry.time,
                        std::string(entry.key.value_or("")), std::string(entry.value.value_or("")),
                        entry.headers});
    return true;
  });
  EXPECT_TRUE(read) << read.error().message;
  return messages;
}

record::ImageRecord DeploymentTest::RecordOf(int n) {
  record::ImageRecord record;
  record.source.id = SourceId("test");
  record.source.path = std::to_string(n) + ".jpg";
  record.id = record::DeriveRecordId(record.source.id, record.source.path, {});
  record.collection = CollectionId("tools");
  return record;
}

kafka::Origin DeploymentTest::Arrive(int n) {
  const record::ImageRecord record = RecordOf(n);
  const std::int64_t offset = Produce(Topic::kRaw, kafka::KeyOf(Topic::kRaw, record),
                                      record::RecordCodec::Encode(record));
  return {Name(Topic::kRaw), 0, offset};
}

std::map<std::string, std::string> DeploymentTest::From(const kafka::Origin& origin) {
  return {{std::string(kafka::kOriginHeader), Format(origin)}};
}

void DeploymentTest::Reject(const kafka::Origin& origin, int n) {
  record::ImageRecord record = RecordOf(n);
  record.history.push_back(
      VerdictOf("validator", record::Disposition::kRejected, record::Reason::kBlurry));
  Produce(Topic::kRejected, "tools", record::RecordCodec::Encode(record), From(origin));
}

void DeploymentTest::Review(const kafka::Origin& origin, int n) {
  record::ImageRecord record = RecordOf(n);
  record.history.push_back(VerdictOf("privacy-blurrer", record::Disposition::kReview,
                                     record::Reason::kResidualFace));
  Produce(Topic::kReview, "tools", record::RecordCodec::Encode(record), From(origin));
}

void DeploymentTest::Defer(const kafka::Origin& origin, int n) {
  record::ImageRecord record = RecordOf(n);
  record.history.push_back(
      VerdictOf("balancer", record::Disposition::kDeferred, record::Reason::kOverTargetShare));
  Produce(Topic::kDeferred, record.id.value(), record::RecordCodec::Encode(record), From(origin));
}

void DeploymentTest::Bury(const kafka::Origin& origin, const kafka::Origin& letter) {
  auto headers = From(origin);
  headers[std::string(kafka::kDeadMessageHeader)] = Format(letter);
  headers[std::string(kafka::kDeadReasonHeader)] = kafka::Name(kafka::DeadReason::kUndecodable);
  headers[std::string(kafka::kDeadStageHeader)] = "privacy-blurrer";
  headers[std::string(kafka::kDeadDetailHeader)] = "not a record";
  headers[std::string(kafka::kTraceparentHeader)] = kafka::NextTraceparent({}, "test", "seed");
  Produce(Topic::kDead, "some key", "no record", headers);
}

void DeploymentTest::Select(const kafka::Origin& origin, int n) {
  Produce(Topic::kSelected, "tools/00", record::RecordCodec::Encode(RecordOf(n)), From(origin));
  selected_.push_back(n);
}

void DeploymentTest::Store() { StoreUntil(static_cast<std::int64_t>(selected_.size())); }

void DeploymentTest::StoreUntil(std::int64_t end) {
  auto output = dataset::NewPartitionShards({.directory = Path("dataset"),
                                             .collection = CollectionId("tools"),
                                             .topic = Name(Topic::kSelected)},
                                            dataset::PosixFiles());
  ASSERT_TRUE(output) << output.error().message;
  const auto from = (*output)->Open();
  ASSERT_TRUE(from) << from.error().message;
  for (std::size_t offset = static_cast<std::size_t>(*from); offset < selected_.size(); ++offset) {
    record::ImageRecord record = RecordOf(selected_[offset]);
    record.payload = record::SafePayloadForTesting::Make(record.source.path);
    record.placement = record::Placement{};
    record.placement->split = "train";
    const auto appended = (*output)->Append(record, static_cast<std::int64_t>(offset));
    ASSERT_TRUE(appended) << appended.error().message;
  }
  const Status sealed = (*output)->Seal(end);
  ASSERT_TRUE(sealed) << sealed.error().message;
}

void DeploymentTest::CommitAll() {
  const std::map<std::string, Topic> inputs = {{"validator", Topic::kRaw},
                                               {"privacy-blurrer", Topic::kValid},
                                               {"deduper", Topic::kSafe},
                                               {"balancer", Topic::kUnique}};
  for (const auto& [stage, topic] : inputs) {
    const auto ranges = kafka::RangesOf(client_, Name(topic));
    ASSERT_TRUE(ranges) << ranges.error().message;
    const auto consumer =
        kafka::NewClient(RD_KAFKA_CONSUMER, client_,
                         {{"group.id", kafka::GroupName(stage, prefix_)}});
    ASSERT_TRUE(consumer) << consumer.error().message;
    const auto offsets = kafka::NewPartitions();
    kafka::Add(offsets.get(), Name(topic), 0, ranges->at(0).end);
    ASSERT_EQ(rd_kafka_commit(consumer->get(), offsets.get(), 0), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
}

}  // namespace winnow::tools
