// Images of a source on their way to images.raw: what `winnow ingest` sends, once or for ever.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/record_producer.h"
#include "libs/record/image_record.h"
#include "libs/stream/source.h"
#include "services/winnow/ingest_state.h"

namespace winnow::cli {

struct IngestCounts {
  std::uint64_t sent = 0;
  std::uint64_t bytes = 0;         // of messages
  std::uint64_t by_reference = 0;
  std::uint64_t too_large = 0;     // sent without image, to be refused
};

// Where images go. What is referred to must outlive the feed.
struct IngestPlace {
  kafka::RecordProducer& producer;
  IngestState& state;
  blob::BlobStore* blobs = nullptr;  // may be null: then larger images are sent to be refused
  std::string topic{};
  std::uint64_t inline_max_bytes = 0;
};

// One thread. Send any number of entries, then Finish; over and over.
class IngestFeed {
 public:
  // `stop` shortens the waiting for a broker that is away.
  IngestFeed(IngestPlace place, const std::atomic<bool>& stop);
  IngestFeed(const IngestFeed&) = delete;
  IngestFeed& operator=(const IngestFeed&) = delete;

  // Loads the image and hands it to the producer; waits while too much is under way. The entry is
  // noted in the state when the broker has it.
  Status Send(const stream::Source& source, const stream::SourceEntry& entry);
  // The first message that was lost; sending more is no use.
  const std::optional<Error>& failure() const { return failure_; }

  // Waits for the broker's answers, sends again without its image what was too large for the topic,
  // and saves the state. `sent`: how sending ended, which is returned if it is an Error.
  Status Finish(const stream::Source& source, Status sent);

  const IngestCounts& counts() const { return counts_; }

 private:
  enum class Retry { kNo, kWithoutImage };

  Status MakeFit(record::ImageRecord& record);
  void SendAsFault(std::string detail, record::ImageRecord& record);
  Status SendRefused(const stream::Source& source);
  Status Produce(const stream::SourceEntry& entry, record::ImageRecord record, Retry retry);
  void Settle(const stream::SourceEntry& entry, Retry retry, std::uint64_t bytes, Status done);

  const IngestPlace place_;
  const std::atomic<bool>& stop_;
  const SystemClock clock_{};
  IngestCounts counts_{};
  std::deque<stream::SourceEntry> refused_{};
  std::optional<Error> failure_{};
};

}  // namespace winnow::cli
