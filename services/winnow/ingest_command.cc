#include "services/winnow/ingest_command.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "libs/blob/blob_store.h"
#include "libs/ingest/folder_source.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topics.h"
#include "libs/record/codec.h"
#include "libs/spec/spec.h"
#include "services/winnow/ingest_state.h"
#include "services/winnow/interrupt.h"
#include "services/winnow/live_line.h"
#include "services/winnow/progress.h"
#include "services/winnow/wiring.h"

namespace winnow::cli {
namespace {

constexpr std::string_view kStage = "ingest";
// An interrupt is answered within this time even if no broker is.
constexpr auto kFlushTimeout = std::chrono::seconds(330);
constexpr auto kStopTimeout = std::chrono::seconds(10);

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t bytes = 0;        // of messages
  std::uint64_t already = 0;      // by earlier runs
  std::uint64_t by_reference = 0;
  std::uint64_t too_large = 0;    // sent without image, to be refused
};

// Everything that can be wrong was looked at before the first message.
struct Prepared {
  spec::CollectionSpec spec;
  std::unique_ptr<ingest::FolderSource> source;
  kafka::ClientConfig client;
  std::string topic;
  std::unique_ptr<IngestState> state;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<kafka::RecordProducer> producer;
};

Result<Prepared> Prepare(const IngestCommandOptions& options) {
  Prepared prepared;
  WINNOW_ASSIGN_OR_RETURN(prepared.spec, spec::Load(options.spec));
  WINNOW_ASSIGN_OR_RETURN(prepared.source,
                          ingest::OpenFolder(FolderOptionsFor(prepared.spec, options.input)));
  WINNOW_ASSIGN_OR_RETURN(prepared.client, ClientOf(options.connection));
  prepared.topic = kafka::TopicName(kafka::Topic::kRaw, options.connection.prefix);
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(prepared.client));
  WINNOW_RETURN_IF_ERROR(reader->RangesOf(prepared.topic));
  WINNOW_ASSIGN_OR_RETURN(const std::string cluster, reader->ClusterId());
  WINNOW_ASSIGN_OR_RETURN(
      prepared.state, IngestState::Open(options.state, {cluster, prepared.topic,
                                                        prepared.spec.collection.value(),
                                                        prepared.spec.ingest.source.value()}));
  if (!options.raw_blobs.empty()) {
    WINNOW_ASSIGN_OR_RETURN(prepared.blobs, blob::OpenDirectory(options.raw_blobs));
  }
  WINNOW_ASSIGN_OR_RETURN(
      prepared.producer, kafka::NewRecordProducer(prepared.client, options.max_bytes_under_way));
  return prepared;
}

class Feed {
 public:
  Feed(const IngestCommandOptions& options, Prepared& prepared, const std::atomic<bool>& stop)
      : options_(options), prepared_(prepared), stop_(stop), line_(stderr) {}

  Status Run() {
    Status status = SendAll();
    // What the broker has is noted whatever happened to the rest.
    Status flushed = prepared_.producer->Flush(stop_ ? kStopTimeout : kFlushTimeout);
    if (status && !stop_) status = SendRefused();
    if (status && !stop_ && !refused_.empty()) {
      status = BugError("a message without an image was too large for its topic");
    }
    WINNOW_RETURN_IF_ERROR(prepared_.state->Save());
    if (!status) return status;
    if (failure_) return *failure_;
    // Stopped: what was not answered is sent again by the next run.
    return stop_ ? Status() : flushed;
  }

  const Counts& counts() const { return counts_; }
  double seconds() const { return line_.seconds(); }

 private:
  Status SendAll() {
    while (!stop_ && !failure_) {
      WINNOW_ASSIGN_OR_RETURN(const auto entry, prepared_.source->Next());
      if (!entry) return {};
      WINNOW_ASSIGN_OR_RETURN(const bool sent, prepared_.state->IsSent(*entry));
      if (sent) {
        ++counts_.already;
      } else {
        WINNOW_RETURN_IF_ERROR(SendOne(*entry));
      }
      if (line_.Due()) line_.Show(Progress());
    }
    return {};
  }

  Status SendOne(const stream::SourceEntry& entry) {
    WINNOW_ASSIGN_OR_RETURN(record::ImageRecord record, prepared_.source->Load(entry));
    WINNOW_RETURN_IF_ERROR(MakeFit(record));
    return Send(entry, std::move(record), Retry::kWithoutImage);
  }

  // Messages above the topic's own limit, which may be lower than ours.
  Status SendRefused() {
    std::deque<stream::SourceEntry> again;
    again.swap(refused_);
    for (const stream::SourceEntry& entry : again) {
      WINNOW_ASSIGN_OR_RETURN(record::ImageRecord record, prepared_.source->Load(entry));
      // Labels can be what is too large.
      record.annotations.clear();
      SendAsFault(fmt::format("the message is too large for topic {}", prepared_.topic), record);
      WINNOW_RETURN_IF_ERROR(Send(entry, std::move(record), Retry::kNo));
    }
    return prepared_.producer->Flush(kFlushTimeout);
  }

  Status MakeFit(record::ImageRecord& record) {
    const record::PayloadContent* const content = record::ContentOf(record.payload);
    if (content == nullptr || content->length() <= options_.inline_max_bytes) return {};
    if (prepared_.blobs) {
      WINNOW_RETURN_IF_ERROR(prepared_.blobs->Put(content->sha256, content->bytes.view()));
      record::ReplaceByReference(record.payload);
      ++counts_.by_reference;
      return {};
    }
    SendAsFault(fmt::format("{} bytes are above --inline-max {} and there is no --raw-blobs",
                            content->length(), options_.inline_max_bytes),
                record);
    return {};
  }

  void SendAsFault(std::string detail, record::ImageRecord& record) {
    record.source_fault = record::Reason::kTooManyBytes;
    record.source_fault_detail = std::move(detail);
    ++counts_.too_large;
  }

  enum class Retry { kNo, kWithoutImage };

  Status Send(const stream::SourceEntry& entry, record::ImageRecord record, Retry retry) {
    record.ingested_at = clock_.Now();
    kafka::OutgoingMessage message;
    message.topic = prepared_.topic;
    message.key = kafka::KeyOf(kafka::Topic::kRaw, record);
    message.time = record.ingested_at;
    message.headers[std::string(kafka::kTraceparentHeader)] =
        kafka::NextTraceparent(std::nullopt, kStage, record.id.value());
    message.value = record.source_fault == record::Reason::kTooManyBytes
                        ? record::RecordCodec::EncodeWithoutPayload(record)
                        : record::RecordCodec::Encode(record);
    const std::uint64_t bytes = message.value.size();
    return prepared_.producer->Send(std::move(message), [this, entry, retry, bytes](Status done) {
      Settle(entry, retry, bytes, std::move(done));
    });
  }

  void Settle(const stream::SourceEntry& entry, Retry retry, std::uint64_t bytes, Status done) {
    if (!done && done.error().code == ErrorCode::kInput && retry == Retry::kWithoutImage) {
      refused_.push_back(entry);
      return;
    }
    if (done) done = prepared_.state->NoteSent(entry);
    if (!done) {
      if (!failure_) failure_ = done.error();
      return;
    }
    ++counts_.sent;
    counts_.bytes += bytes;
  }

  std::string Progress() const {
    const std::uint64_t done = counts_.sent + counts_.already;
    std::string text = WithThousands(done);
    if (const auto total = prepared_.source->Count(); total && *total > 0) {
      text += fmt::format(" of {} images  {} %", WithThousands(*total), done * 100 / *total);
    }
    return text + fmt::format("  {:.3g}/s  {:.3g} MB/s",
                              static_cast<double>(counts_.sent) / line_.seconds(),
                              static_cast<double>(counts_.bytes) / 1e6 / line_.seconds());
  }

  const IngestCommandOptions& options_;
  Prepared& prepared_;
  const std::atomic<bool>& stop_;
  const SystemClock clock_{};
  LiveLine line_;
  Counts counts_{};
  std::deque<stream::SourceEntry> refused_{};
  std::optional<Error> failure_{};
};

void PrintEnd(const Prepared& prepared, const Feed& feed) {
  const Counts& counts = feed.counts();
  fmt::print("sent {} records ({} MB) to {} in {}\n", WithThousands(counts.sent),
             WithThousands(counts.bytes / 1'000'000), prepared.topic, AsClock(feed.seconds()));
  if (counts.already > 0) fmt::print("{} were sent before\n", WithThousands(counts.already));
  if (counts.by_reference > 0) {
    fmt::print("{} images are in the blob store\n", WithThousands(counts.by_reference));
  }
  if (counts.too_large > 0) {
    fmt::print("{} images are too large and were sent without their bytes, to be refused with a "
               "reason\n",
               WithThousands(counts.too_large));
  }
}

Result<ExitCode> Run(const IngestCommandOptions& options) {
  const std::atomic<bool>& stop = CatchInterrupts();
  WINNOW_ASSIGN_OR_RETURN(Prepared prepared, Prepare(options));
  Feed feed(options, prepared, stop);
  WINNOW_RETURN_IF_ERROR(feed.Run());
  PrintEnd(prepared, feed);
  if (!stop) return ExitCode::kOk;
  fmt::print(stderr, "winnow: stopped; run the same command again to go on where it stopped\n");
  return ExitCode::kStopped;
}

}  // namespace

ExitCode IngestCommand(const IngestCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
