// Internal to libs/kafka: what stages and the sink do alike with a message: take the record out of
// it, its bytes out of the blob store, and say in headers where it came from or why it is dead.
// Knows no broker.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/headers.h"
#include "libs/record/codec.h"
#include "libs/record/image_record.h"
#include "libs/record/payload.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

// A message of the input topic. The views must live until what follows from it was produced.
struct Arrival {
  Origin place;  // where it was read
  Timestamp time{};
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::optional<std::string_view> origin;  // headers, as they came
  std::optional<std::string_view> traceparent;
  std::optional<std::string_view> tracestate;
  std::optional<std::string_view> replay;
  std::optional<std::string_view> forget;
};

// Why a message goes to images.dead.
struct Dead {
  DeadReason reason;
  std::string detail;
};

// A step that ends in a dead letter, in an Error, or goes on.
using DeadOrError = std::variant<Dead, Error>;
using Step = tl::expected<void, DeadOrError>;
inline tl::unexpected<DeadOrError> Stop(Dead dead) {
  return tl::unexpected<DeadOrError>(std::move(dead));
}
inline tl::unexpected<DeadOrError> Stop(Error error) {
  return tl::unexpected<DeadOrError>(std::move(error));
}

// The record of the message, which must be of the zone and the collection.
tl::expected<record::ImageRecord, Dead> TakeRecord(const Arrival& arrival, record::Zone zone,
                                                   const CollectionId& collection,
                                                   record::Extent extent);

// Gives a payload that came as a reference its bytes. `store` may be null: then it cannot. Tries
// so often while the store is away.
Step FetchBytes(record::Payload& payload, const blob::BlobStore* store, std::uint64_t max_bytes,
                int attempts);

// ---- headers -------------------------------------------------------------------------------

using Headers = std::vector<std::pair<std::string, std::string>>;

// Of everything that follows from a message: where it entered the pipeline, and its trace.
struct Lineage {
  std::string origin;
  std::string traceparent;
};
Lineage LineageOf(const Arrival& arrival, std::string_view stage);
Headers HeadersOf(const Lineage& lineage, const Arrival& arrival);
Headers DeadHeadersOf(const Arrival& arrival, std::string_view stage, const Dead& dead);

// What a message takes of its topic's max.message.bytes, generously: with its place in a record
// batch of Kafka's format v2.
std::uint64_t SizeOf(std::string_view key, std::string_view value, const Headers& headers);

// ---- patience and time ---------------------------------------------------------------------

// A blob store that hiccups must not stop the stage; one that is away must.
template <class Try>
auto Retrying(int attempts, const Try& attempt) {
  auto result = attempt();
  auto pause = std::chrono::milliseconds(100);
  for (int i = 1; i < attempts && !result && result.error().code == ErrorCode::kUnavailable;
       ++i, pause *= 2) {
    std::this_thread::sleep_for(pause);
    result = attempt();
  }
  return result;
}

// Tells how long it lived.
class Stopwatch {
 public:
  Stopwatch(stream::StageObserver& observer, stream::StageStep step)
      : observer_(observer), step_(step), begin_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { observer_.Took(step_, std::chrono::steady_clock::now() - begin_); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  stream::StageObserver& observer_;
  stream::StageStep step_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace winnow::kafka
