#include "tests/bench/scratch_pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/digest.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topic_admin.h"
#include "libs/kafka/topics.h"
#include "libs/record/codec.h"
#include "tests/bench/stage_loop.h"

namespace winnow::bench {
namespace {

constexpr std::uint64_t kSendingBytes = 64u << 20;
constexpr std::size_t kPictures = 16;  // different ones; the records are all different

template <class T>
T Must(Result<T> result) {
  if (result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
    return T();
  }
  fmt::print(stderr, "kafka_benchmark: {}\n", result.error().message);
  std::exit(1);
}

std::string NewPrefix() {
  std::random_device random;
  return fmt::format("bench-{:08x}.", random());
}

// What no compression makes smaller, as a JPEG.
record::PayloadContent Picture(std::size_t bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
  const Sha256Digest digest = Sha256(text);
  return {.bytes = SharedBytes(std::move(text)), .media_type = "image/jpeg", .sha256 = digest};
}

record::ImageRecord RecordOf(const record::PayloadContent& picture, std::uint64_t number) {
  record::ImageRecord record;
  record.id = RecordId(fmt::format("{:032x}", number));
  record.collection = CollectionId(std::string(kCollection));
  record.source.id = SourceId("bench");
  record.source.path = fmt::format("{:08}.jpg", number);
  record.ingested_at = SystemClock().Now();
  record.payload = record::RawPayload{picture};
  return record;
}

std::vector<record::PayloadContent> PicturesFor(std::size_t message_bytes) {
  const std::size_t around =
      record::RecordCodec::Encode(RecordOf(Picture(message_bytes, 0), 0)).size() - message_bytes;
  std::vector<record::PayloadContent> pictures;
  for (std::uint32_t seed = 0; seed < kPictures; ++seed) {
    pictures.push_back(Picture(std::max(message_bytes, around + 1) - around, seed));
  }
  return pictures;
}

}  // namespace

std::string BrokersFromEnvironment() {
  const char* const brokers = std::getenv("WINNOW_KAFKA_BROKERS");
  if (brokers != nullptr && *brokers != '\0') return brokers;
  fmt::print(stderr,
             "WINNOW_KAFKA_BROKERS names no broker. To start one:\n"
             "  deploy/kafka/start --directory /tmp/broker --heap 384m "
             "--set log.segment.delete.delay.ms=1000\n");
  return {};
}

ScratchPipeline::ScratchPipeline(std::string brokers, int partitions, std::string changelog_stage,
                                 Hop hop)
    : brokers_(std::move(brokers)),
      partitions_(partitions),
      changelog_stage_(std::move(changelog_stage)),
      hop_(hop),
      prefix_(NewPrefix()),
      admin_(NewProducer({{"bootstrap.servers", brokers_}})) {
  Create();
}

ScratchPipeline::~ScratchPipeline() {
  for (const kafka::Topic topic : kafka::kAllTopics) {
    DeleteTopic(admin_.get(), kafka::TopicName(topic, prefix_));
  }
  if (!changelog_stage_.empty()) DeleteTopic(admin_.get(), changelog());
}

std::string ScratchPipeline::input() const { return TopicName(hop_.input, prefix_); }
std::string ScratchPipeline::output() const { return TopicName(hop_.output, prefix_); }
std::string ScratchPipeline::changelog() const {
  return kafka::ChangelogName(changelog_stage_, prefix_);
}

void ScratchPipeline::Create() {
  std::vector<kafka::TopicDeclaration> topics;
  for (const kafka::Topic topic : kafka::kAllTopics) {
    const bool is_main = topic == hop_.input || topic == hop_.output;
    topics.push_back({.name = kafka::TopicName(topic, ""),
                      .partitions = is_main ? partitions_ : 1,
                      .configs = {{"retention.ms", "3600000"}}});
  }
  if (!changelog_stage_.empty()) {
    topics.push_back({.name = kafka::ChangelogName(changelog_stage_, ""),
                      .partitions = partitions_,
                      .configs = {{"cleanup.policy", "compact"}}});
  }
  Must(kafka::ApplyTopics({brokers_, {}}, prefix_, topics, kafka::TopicMode::kApply));
}

void ScratchPipeline::Fill(std::uint64_t records, std::size_t message_bytes) {
  const std::vector<record::PayloadContent> pictures = PicturesFor(message_bytes);
  Fill(records, [&](std::uint64_t number) {
    return RecordOf(pictures[number % pictures.size()], number);
  });
}

std::uint64_t ScratchPipeline::Fill(
    std::uint64_t records, const std::function<record::ImageRecord(std::uint64_t)>& make) {
  const auto producer = Must(kafka::NewRecordProducer({brokers_, {}}, kSendingBytes));
  std::uint64_t bytes = 0;
  for (const std::uint64_t end = filled_ + records; filled_ < end; ++filled_) {
    const record::ImageRecord record = make(filled_);
    std::string value = record::RecordCodec::Encode(record);
    bytes += value.size();
    Must(producer->Send({.topic = input(),
                         .key = kafka::KeyOf(hop_.input, record),
                         .value = std::move(value),
                         .time = record.ingested_at},
                        [](const Status& status) { Must(status); }));
  }
  Must(producer->Flush(std::chrono::minutes(1)));
  return bytes;
}

std::int64_t ScratchPipeline::EndOfOutput() const {
  return EndOf(admin_.get(), output(), partitions_);
}

std::uint64_t ScratchPipeline::CommittedInOutput() const {
  std::uint64_t count = 0;
  Must(kafka::ReadTopic({brokers_, {}}, output(), [&](const kafka::LogEntry&) {
    ++count;
    return true;
  }));
  return count;
}

void ScratchPipeline::EmptyOutput() {
  DeleteTopic(admin_.get(), output());
  Create();
}

}  // namespace winnow::bench
