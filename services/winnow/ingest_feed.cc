#include "services/winnow/ingest_feed.h"

#include <fmt/format.h>

#include <utility>

#include "libs/kafka/headers.h"
#include "libs/kafka/topics.h"
#include "libs/record/codec.h"

namespace winnow::cli {
namespace {

constexpr std::string_view kStage = "ingest";
// An interrupt is answered within this time even if no broker is.
constexpr auto kFlushTimeout = std::chrono::seconds(330);
constexpr auto kStopTimeout = std::chrono::seconds(10);

}  // namespace

IngestFeed::IngestFeed(IngestPlace place, const std::atomic<bool>& stop)
    : place_(std::move(place)), stop_(stop) {}

Status IngestFeed::Send(const stream::Source& source, const stream::SourceEntry& entry) {
  WINNOW_ASSIGN_OR_RETURN(record::ImageRecord record, source.Load(entry));
  WINNOW_RETURN_IF_ERROR(MakeFit(record));
  return Produce(entry, std::move(record), Retry::kWithoutImage);
}

Status IngestFeed::Finish(const stream::Source& source, Status sent) {
  // What the broker has is noted whatever happened to the rest.
  Status flushed = place_.producer.Flush(stop_ ? kStopTimeout : kFlushTimeout);
  if (sent && !stop_) sent = SendRefused(source);
  if (sent && !stop_ && !refused_.empty()) {
    sent = BugError("a message without an image was too large for its topic");
  }
  WINNOW_RETURN_IF_ERROR(place_.state.Save());
  if (!sent) return sent;
  if (failure_) return *failure_;
  // Stopped: what was not answered is sent again by the next run.
  return stop_ ? Status() : flushed;
}

// Messages above the topic's own limit, which may be lower than ours.
Status IngestFeed::SendRefused(const stream::Source& source) {
  std::deque<stream::SourceEntry> again;
  again.swap(refused_);
  if (again.empty()) return {};
  for (const stream::SourceEntry& entry : again) {
    WINNOW_ASSIGN_OR_RETURN(record::ImageRecord record, source.Load(entry));
    // Labels can be what is too large.
    record.annotations.clear();
    SendAsFault(fmt::format("the message is too large for topic {}", place_.topic), record);
    WINNOW_RETURN_IF_ERROR(Produce(entry, std::move(record), Retry::kNo));
  }
  return place_.producer.Flush(kFlushTimeout);
}

Status IngestFeed::MakeFit(record::ImageRecord& record) {
  const record::PayloadContent* const content = record::ContentOf(record.payload);
  if (content == nullptr || content->length() <= place_.inline_max_bytes) return {};
  if (place_.blobs != nullptr) {
    WINNOW_RETURN_IF_ERROR(place_.blobs->Put(content->sha256, content->bytes.view()));
    record::ReplaceByReference(record.payload);
    ++counts_.by_reference;
    return {};
  }
  SendAsFault(fmt::format("{} bytes are above --inline-max {} and there is no --raw-blobs",
                          content->length(), place_.inline_max_bytes),
              record);
  return {};
}

void IngestFeed::SendAsFault(std::string detail, record::ImageRecord& record) {
  record.source_fault = record::Reason::kTooManyBytes;
  record.source_fault_detail = std::move(detail);
  ++counts_.too_large;
}

Status IngestFeed::Produce(const stream::SourceEntry& entry, record::ImageRecord record,
                           Retry retry) {
  record.ingested_at = clock_.Now();
  kafka::OutgoingMessage message;
  message.topic = place_.topic;
  message.key = kafka::KeyOf(kafka::Topic::kRaw, record);
  message.time = record.ingested_at;
  message.headers[std::string(kafka::kTraceparentHeader)] =
      kafka::NextTraceparent(std::nullopt, kStage, record.id.value());
  message.value = record.source_fault == record::Reason::kTooManyBytes
                      ? record::RecordCodec::EncodeWithoutPayload(record)
                      : record::RecordCodec::Encode(record);
  const std::uint64_t bytes = message.value->size();
  return place_.producer.Send(std::move(message), [this, entry, retry, bytes](Status done) {
    Settle(entry, retry, bytes, std::move(done));
  });
}

void IngestFeed::Settle(const stream::SourceEntry& entry, Retry retry, std::uint64_t bytes,
                        Status done) {
  if (!done && done.error().code == ErrorCode::kInput && retry == Retry::kWithoutImage) {
    refused_.push_back(entry);
    return;
  }
  if (done) done = place_.state.NoteSent(entry);
  if (!done) {
    if (!failure_) failure_ = done.error();
    return;
  }
  ++counts_.sent;
  counts_.bytes += bytes;
}

}  // namespace winnow::cli
